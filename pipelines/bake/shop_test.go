package bake

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish/keys"
)

// shop is a whole Baker of small real things: folders, layouts, a lock. The
// engine, the tests and the checker are played by the ports.
type shop struct {
	*flowtest.Ports
	t    *testing.T
	b    Baker
	app  app.App
	lock *lock.Lock
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{Ports: flowtest.NewPorts(keys.Key{}), t: t, app: flowtest.App(t)}
	s.lock = flowtest.Lock(s.app, pin.Inputs(s.app), "1")
	flowtest.Must(t, lock.Write(pin.Path(s.app), s.lock))
	s.b.Version, s.b.Platform = "1", flowtest.Platform
	s.b.Folder.Path, s.b.State = t.TempDir(), t.TempDir()
	key, err := vouch.Open(s.b.State)
	flowtest.Must(t, err)
	program := func() ([]byte, error) { return []byte("program"), nil }
	s.b.Folder.Vouch, s.b.Service, s.b.TreeProgram = key, program, program
	s.b.Mirrors = map[string][]string{"debian": {"http://archive.test/debian"}, "debian-security": {"http://archive.test/security"}}
	s.b.Builder = func(context.Context) (Builder, error) { return flowtest.Engine{Ports: s.Ports}, s.Ask("engine") }
	s.b.Testers = map[string]Tester{artifact.Container: flowtest.Tester{Ports: s.Ports}, artifact.Disk: flowtest.Tester{Ports: s.Ports}}
	s.b.Hardening = s.Hardening()
	s.b.Seeds = flowtest.Archive{Ports: s.Ports}
	s.archive("1", 0)
	s.seed()
	return s
}

// seed is there already: the lock names no package of it.
func (s *shop) seed() {
	s.t.Helper()
	dir := filepath.Join(s.b.State, "seed", strings.TrimPrefix(digests.Of(nil), "sha256:")[:32])
	flowtest.Image(s.t, dir, 1024)
	flowtest.Must(s.t, s.b.Folder.Vouch.NoteTree(s.t.Context(), vouch.Layout, filepath.Base(dir), dir))
}

// baked puts an image and a disk with their receipt where an earlier build
// from a lock left them.
func (s *shop) baked(from *lock.Lock) *results.Built {
	s.t.Helper()
	key, err := s.b.key(s.app, from)
	flowtest.Must(s.t, err)
	return flowtest.Built(s.t, s.b.Folder, from, key)
}

// archive has apps' packages in a version, by an index that is younger than
// the lock's.
func (s *shop) archive(version string, younger time.Duration) {
	s.t.Helper()
	s.b.Archive = flowtest.NewArchive(s.t, s.Ports, version, younger)
}

// forbidNetwork gives the app a step that the policy forbids.
func (s *shop) forbidNetwork() {
	s.app.Steps, s.b.Policy.Build.Network = []app.Step{{Run: "x", Network: true}}, policy.Forbidden
}

func (s *shop) names() []string { return flowtest.Names(s.t, s.b.Folder) }
