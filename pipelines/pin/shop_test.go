package pin

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/publish/keys"
)

// shop is a Locker over an archive with real signed indexes; apt, the engine
// and the judge of images are played by the ports.
type shop struct {
	*flowtest.Ports
	t   *testing.T
	l   Locker
	app app.App
	// base is what the engine reads of a base image, by file; refs are what a
	// Dockerfile names.
	base map[string]string
	refs []string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{Ports: flowtest.NewPorts(keys.Key{}), t: t, app: flowtest.App(t)}
	s.app.Packages = []string{"openssl"}
	s.base = map[string]string{"os-release": "ID=debian\nVERSION_CODENAME=trixie\n", "status": "Package: bash\nStatus: install ok installed\nVersion: 5\nArchitecture: amd64\n\n"}
	s.l = Locker{
		Version: "1", Platform: flowtest.Platform, Archive: flowtest.NewArchive(t, s.Ports, "1", time.Hour),
		Engine: func(context.Context) (Engine, error) { return reading{s}, s.Ask("engine") },
		Judge: func(_ context.Context, ref string) (string, error) {
			if !strings.Contains(ref, "@") {
				ref += "@" + digests.Of([]byte("now"))
			}
			return ref, s.Ask("judge " + ref)
		},
		Excluded: Excluded{Output: t.TempDir(), State: t.TempDir()},
	}
	return s
}

// reading is the shop as the engine.
type reading struct{ *shop }

func (r reading) ReadBase(_ context.Context, _ rootfs.Graph, _ engine.Session, dir string) error {
	for name, text := range r.base {
		flowtest.Must(r.t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return r.Ask("base")
}

func (r reading) JudgeDockerfile(ctx context.Context, s engine.Session, _, _ string, _ []string) error {
	for _, ref := range r.refs {
		if _, err := s.Judge(ctx, ref); err != nil {
			return err
		}
	}
	return r.Ask("dockerfile")
}

func (r reading) Close() error { return r.Ask("engine closed") }

// locked locks the app, and begins to note anew.
func (s *shop) locked() *lock.Lock {
	s.t.Helper()
	l, _, err := s.l.Lock(s.t.Context(), s.app, Options{})
	flowtest.Must(s.t, err)
	s.Again()
	return l
}

// write writes a lock beside the app.
func (s *shop) write(l *lock.Lock) {
	s.t.Helper()
	flowtest.Must(s.t, lock.Write(Path(s.app), l))
}

// file writes one of the app's own files.
func (s *shop) file(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.app.Dir, name)
	flowtest.Must(s.t, os.MkdirAll(filepath.Dir(path), 0o755))
	flowtest.Must(s.t, os.WriteFile(path, []byte(text), 0o600))
}
