// Package notary states how long fixes took about the images that they reached,
// once these are published: a signed statement that lets nothing through. It
// keeps no record of its own; pipelines/fleet knows the times.
package notary

import (
	"context"
	"fmt"
	"time"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/publish/sigstore"
)

// Notary signs, and attaches what it signed.
type Notary struct {
	// Signer returns who signs.
	Signer func(context.Context) (attest.Signer, error)
	// Policy says whom readers believe.
	Policy policy.Policy
	// Registry says how registries are reached, TUF where the public Sigstore's
	// trusted root comes from.
	Registry registry.Options
	TUF      sigstore.TUF
}

// State attaches to each published image the fixes that it brought, signed.
// Where one cannot be signed or reached the image stays published.
func (n Notary) State(ctx context.Context, app string, published []results.Publication, fixes []update.Fix, now time.Time) error {
	signer, err := n.Signer(ctx)
	if err != nil {
		return err
	}
	for _, p := range published {
		c := update.Clock{APIVersion: update.ClockVersion, Kind: update.ClockKind, App: app}
		for _, f := range fixes {
			if f.Artifact == p.Ref {
				c.Fixes = append(c.Fixes, f)
			}
		}
		if len(c.Fixes) == 0 {
			continue
		}
		if err := n.attach(ctx, p, c, signer, now); err != nil {
			return fmt.Errorf("%s is published; stating how long its fixes took: %w", p.Ref, err)
		}
	}
	return nil
}

func (n Notary) attach(ctx context.Context, p results.Publication, c update.Clock, signer attest.Signer, now time.Time) error {
	store, at, err := registry.Open(p.Ref, n.Registry)
	if err != nil {
		return err
	}
	m, err := store.Manifest(ctx, at)
	if err != nil {
		return err
	}
	b, err := attest.SignNotice(ctx, intoto.Subject{Name: c.App, Digest: at}, intoto.Clock(c), signer,
		attest.Want{Signers: n.Policy.Verify.SignedBy, Dir: n.Policy.Dir, TUF: n.TUF, Now: now})
	if err != nil {
		return err
	}
	return publish.Attach(ctx, store, m, b)
}
