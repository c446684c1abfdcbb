package compose

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/bakelite/bakelite/builders/vm"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/once"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/pipelines/release"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/scan/child"
	"github.com/bakelite/bakelite/scan/database"
)

// publisher constructs what publishing works with; nothing is read or reached
// before it is asked for.
func publisher(s *settings.Settings, c clients, folder results.Folder, e examine.Examiner) release.Publisher {
	return release.Publisher{
		Folder: folder, State: s.State, Policy: c.policy, Examiner: e,
		Signer:      func(context.Context) (attest.Signer, error) { return signer(s) },
		SignerName:  signerName(s.Sign),
		Destination: destination(s),
		Origin:      origin(s),
		TUF:         TUF(s),
	}
}

// examiner constructs what looks into artifacts. All apps are judged by the
// same database.
func examiner(s *settings.Settings, c clients, hardening examine.Hardening) examine.Examiner {
	var databases once.Map[database.Database]
	maxAge := c.policy.Gate.MaxDatabaseAge.Std()
	return examine.Examiner{
		Scanner: child.Scanner{Cache: filepath.Join(s.State, "scan"), Vouch: c.key},
		Fetch: func(ctx context.Context) (database.Database, error) {
			return databases.Do(ctx, s.Scanner.Database, func() (database.Database, error) {
				return database.Fetch(ctx, database.Options{
					Ref: s.Scanner.Database, Digest: s.Scanner.Digest, State: filepath.Join(s.State, "database"), Vouch: c.key,
					MaxAge: maxAge, Now: time.Now(),
				})
			})
		},
		MaxAge:    maxAge,
		Untouched: func() []string { return vm.Untouched(bake.Parts(s.State)) },
		Hardening: hardening,
	}
}

// destination is where things are published.
func destination(s *settings.Settings) string {
	if s.Registry == "" {
		return registry.LayoutPrefix + filepath.Join(s.Output, "published")
	}
	return strings.TrimSuffix(s.Registry, "/")
}

// CheckDestination refuses at once, before anything is built, a name that
// nothing can be published under; nobody is asked.
func CheckDestination(s *settings.Settings) error {
	if s.Registry == "" {
		return nil
	}
	if _, _, err := registry.Open(destination(s)+"/app", registry.Options{}); err != nil {
		return fmt.Errorf("%s: %s: %w", s.Named("registry"), s.Registry, err)
	}
	return nil
}
