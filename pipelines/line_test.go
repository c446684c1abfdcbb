package pipelines

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/pipelines/release"
	"github.com/bakelite/bakelite/pipelines/results"
)

// shop is a whole Line of small real things; the engine, apt and the processes
// that look into artifacts are played by the ports.
type shop struct {
	*flowtest.Ports
	t     *testing.T
	line  Line
	app   app.App
	lock  *lock.Lock
	shelf string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	r := flowtest.NewRepository(t)
	s := &shop{Ports: flowtest.NewPorts(r.Key), t: t, app: flowtest.App(t), shelf: filepath.Join(t.TempDir(), "shelf")}
	s.app.Packages = []string{"openssl"}
	state := t.TempDir()
	key, err := vouch.Open(state)
	flowtest.Must(t, err)
	folder := results.Folder{Path: t.TempDir(), Vouch: key}
	tests := flowtest.Tester{Ports: s.Ports}
	program := func() ([]byte, error) { return []byte("program"), nil }
	archive := flowtest.NewArchive(t, s.Ports, "2", time.Hour)
	mirrors := []string{"http://archive.test"}
	s.line.Baker = bake.Baker{
		Locker: pin.Locker{Version: "1", Platform: flowtest.Platform, Archive: archive},
		Folder: folder, State: state, Seeds: archive, Mirrors: map[string][]string{"debian": mirrors, "debian-security": mirrors},
		Builder:     func(context.Context) (bake.Builder, error) { return flowtest.Engine{Ports: s.Ports}, s.Ask("engine") },
		TreeProgram: program, Service: program, Hardening: s.Hardening(),
		Testers: map[string]bake.Tester{artifact.Container: tests, artifact.Disk: tests},
	}
	s.line.Publisher = release.Publisher{
		Folder: folder, State: state, Policy: r.Policy(), Examiner: s.Examiner(), Signer: s.Signer, SignerName: "release",
		Destination: registry.LayoutPrefix + s.shelf, Origin: release.Origin{Builder: "https://bakelite.dev/builder/local"},
	}
	s.lock = flowtest.Lock(s.app, pin.Inputs(s.app), "1")
	flowtest.Must(t, lock.Write(pin.Path(s.app), s.lock))
	return s
}

// orders are what a line's ports are asked for, but for what runs side by side.
func (s *shop) orders() []string {
	return slices.DeleteFunc(slices.Clone(s.Asked), func(what string) bool {
		return slices.Contains([]string{"image", "disk", "checker", "tests of the container", "tests of the disk", "packages of the seed"}, what)
	})
}

// noting tells the scanner of the lock that is built.
func (s *shop) noting() bake.RebuildOptions {
	return bake.RebuildOptions{Accept: func(fresh *lock.Lock, _ []lock.Change) error {
		s.Locked = fresh
		return nil
	}}
}

// relocked says whether the app has another lock than it began with.
func (s *shop) relocked() bool {
	s.t.Helper()
	l, err := lock.Read(pin.Path(s.app))
	flowtest.Must(s.t, err)
	return l.Digest() != s.lock.Digest()
}

// TestOrderOfTheLine has each step fail of a rebuild that publishes: what comes
// after it is never asked for, nothing is sent, and the old lock stays.
func TestOrderOfTheLine(t *testing.T) {
	order := []string{"index", "seed", "engine", "engine closed", "database", "scanner", "signer"}
	for name, tt := range map[string]struct {
		fails string
		asked int
		built bool // whether what was built has its names
	}{
		"no index":          {"index", 1, false},
		"no apt":            {"seed", 2, false},
		"no engine":         {"engine", 3, false},
		"no image":          {"image", 4, false},
		"no disk":           {"disk", 4, false},
		"no checker":        {"checker", 4, false},
		"no machine":        {"tests of the disk", 4, false},
		"no database":       {"database", 5, true},
		"no scanner":        {"scanner", 6, true},
		"no key":            {"signer", 7, true},
		"none of it, all 7": {"", 7, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.Fails = tt.fails
			built, err := s.line.Rebuild(t.Context(), s.app, s.noting(), &release.Options{})
			if tt.fails == "" && err != nil || tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails+": out of order")) {
				t.Fatalf("ended with %v", err)
			}
			if asked := s.orders(); !slices.Equal(asked, order[:tt.asked]) {
				t.Errorf("asked for %q, want %q", asked, order[:tt.asked])
			}
			names := flowtest.Names(t, s.line.Baker.Folder)
			if has := slices.Contains(names, "web.receipt.json") && slices.Contains(names, "web.raw"); has != tt.built || (built != nil) != tt.built {
				t.Errorf("left %q and returned %v", names, built)
			}
			all := tt.fails == ""
			if sent := flowtest.Files(t, s.shelf); len(sent) > 0 != all || slices.Contains(names, "web.publication.json") != all {
				t.Errorf("sent %d files, left %q", len(sent), names)
			}
			if s.relocked() != all || !flowtest.Free(t, s.line.Baker.Folder) {
				t.Errorf("the lock is a new one: %t; the place is free: %t", s.relocked(), flowtest.Free(t, s.line.Baker.Folder))
			}
		})
	}
}

// TestLineIsTakenUp: a rebuild whose publishing failed builds nothing anew when
// it is run again, and what is there is published.
func TestLineIsTakenUp(t *testing.T) {
	s := newShop(t)
	s.Fails = "signer"
	if _, err := s.line.Rebuild(t.Context(), s.app, s.noting(), &release.Options{}); err == nil {
		t.Fatal("no signer, no error")
	}
	s.Again()
	built, err := s.line.Rebuild(t.Context(), s.app, s.noting(), &release.Options{})
	if err != nil || built.Rebuilt || len(built.Published) != 2 || !s.relocked() {
		t.Fatalf("got %+v, %v", built, err)
	}
	if slices.Contains(s.Asked, "engine") {
		t.Errorf("asked for %q", s.Asked)
	}
}

// TestRebuildWithoutPublishing asks nobody who publishes, and takes the lock.
func TestRebuildWithoutPublishing(t *testing.T) {
	s := newShop(t)
	built, err := s.line.Rebuild(t.Context(), s.app, s.noting(), nil)
	if err != nil || !built.Rebuilt || len(built.Published) > 0 || !s.relocked() {
		t.Fatalf("got %+v, %v", built, err)
	}
	if want := []string{"index", "seed", "engine", "engine closed"}; !slices.Equal(s.orders(), want) {
		t.Errorf("asked for %q, want %q", s.orders(), want)
	}
}

// TestPublishBuilds: what is published was built first, from the lock that is
// there; what could not be built is not published, and what could not be
// published comes back.
func TestPublishBuilds(t *testing.T) {
	s := newShop(t)
	s.Fails = "engine"
	built, err := s.line.Publish(t.Context(), s.app, bake.Options{Frozen: true}, release.Options{})
	if err == nil || built != nil || slices.Contains(s.Asked, "database") {
		t.Errorf("got %v, %v, and asked for %q", built, err, s.Asked)
	}
	s.Again()
	s.Fails = "database"
	built, err = s.line.Publish(t.Context(), s.app, bake.Options{Frozen: true}, release.Options{})
	if err == nil || built == nil || !built.Rebuilt || len(built.Published) > 0 {
		t.Errorf("got %+v, %v", built, err)
	}
	s.Again()
	built, err = s.line.Publish(t.Context(), s.app, bake.Options{Frozen: true}, release.Options{})
	if err != nil || built.Rebuilt || len(built.Published) != 2 || s.relocked() {
		t.Errorf("got %+v, %v", built, err)
	}
	if want := []string{"database", "scanner", "signer"}; !slices.Equal(s.orders(), want) {
		t.Errorf("asked for %q, want %q", s.orders(), want)
	}
}
