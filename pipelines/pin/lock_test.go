package pin

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/pipelines/flowtest"
)

// TestLockedOrMadeAnew says for each way in which a lock does not fit its app
// what a build does: nothing where it fits, refuse where it may not change it,
// and ask the archive only where packages are concerned.
func TestLockedOrMadeAnew(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*shop, *lock.Lock)
		says   string // why it does not fit, "" where it does
		asks   bool   // of the archive
	}{
		"it fits":            {change: func(*shop, *lock.Lock) {}},
		"there is none":      {func(s *shop, _ *lock.Lock) { flowtest.Must(s.t, os.Remove(Path(s.app))) }, "there is none", true},
		"of another app":     {func(s *shop, l *lock.Lock) { l.App = "shop"; s.write(l) }, "of the app shop", true},
		"another platform":   {func(s *shop, l *lock.Lock) { l.Platform = "linux/arm64"; s.write(l) }, "it is for linux/arm64", true},
		"an older version's": {func(s *shop, l *lock.Lock) { l.Distribution = nil; s.write(l) }, "an older version made it", true},
		"other packages":     {func(s *shop, _ *lock.Lock) { s.app.Packages = []string{"nginx"} }, "asks for other packages", true},
		"other files": {func(s *shop, _ *lock.Lock) {
			s.file("site/page", "new")
			s.app.Files = []app.File{{From: "site", To: "/srv"}}
		}, reasonFiles, false},
		"another base": {func(s *shop, _ *lock.Lock) { s.app.Base = app.Base{Image: "debian@" + digests.Of(nil)} }, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			before := s.locked()
			tt.change(s, before)
			old := flowtest.Files(t, s.app.Dir)
			fits := name == "it fits"
			frozen, err := s.l.Locked(t.Context(), s.app, true, Options{})
			if fits != (err == nil) || len(s.Asked) > 0 || !slices.Equal(flowtest.Files(t, s.app.Dir), old) {
				t.Errorf("frozen: %v, asked for %q", err, s.Asked)
			}
			if !fits && (frozen != nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "--frozen")) {
				t.Errorf("frozen: %v", err)
			}
			l, err := s.l.Locked(t.Context(), s.app, false, Options{})
			if err != nil || slices.Contains(s.Asked, "index") != tt.asks {
				t.Fatalf("%v, asked for %q", err, s.Asked)
			}
			if slices.Equal(flowtest.Files(t, s.app.Dir), old) != fits {
				t.Error("the lock was written where it fits, or not where it does not")
			}
			kept, err := lock.Read(Path(s.app))
			if err != nil || kept.Digest() != l.Digest() {
				t.Errorf("kept %v", err)
			}
			s.Again()
			if again, err := s.l.Locked(t.Context(), s.app, true, Options{}); err != nil || again.Digest() != l.Digest() || len(s.Asked) > 0 {
				t.Errorf("the next time: %v, asked for %q", err, s.Asked)
			}
		})
	}
}

// TestBrokenLock: a build stops at a lock that it cannot read; who asks for a
// new one gets it.
func TestBrokenLock(t *testing.T) {
	s := newShop(t)
	flowtest.Must(t, os.WriteFile(Path(s.app), []byte("apiVersion: no"), 0o600))
	if _, err := s.l.Locked(t.Context(), s.app, false, Options{}); fault.KindOf(err) != fault.Invalid || len(s.Asked) > 0 {
		t.Errorf("built from: %v", err)
	}
	if _, changes, err := s.l.Lock(t.Context(), s.app, Options{}); err != nil || len(changes) == 0 {
		t.Errorf("locked anew: %v, %v", changes, err)
	}
}

// TestLockStops has each step fail: what comes after it is not asked for, and
// the old lock stays.
func TestLockStops(t *testing.T) {
	order := []string{"judge debian@" + digests.Of(nil), "engine", "base", "engine closed", "index", "seed"}
	for name, tt := range map[string]struct {
		spoil func(*shop)
		asked int
		says  string
	}{
		"a base that is refused":  {func(s *shop) { s.Fails = order[0] }, 1, "base.image"},
		"no engine":               {func(s *shop) { s.Fails = "engine" }, 2, "engine: out of order"},
		"a base that nobody has":  {func(s *shop) { s.Fails = "base" }, 4, "reading base image"},
		"no Debian":               {func(s *shop) { s.base["os-release"] = "ID=alpine\n" }, 4, "want Debian"},
		"no os-release":           {func(s *shop) { delete(s.base, "os-release") }, 4, "reading"},
		"no package database":     {func(s *shop) { delete(s.base, "status") }, 4, "reading"},
		"a broken database":       {func(s *shop) { s.base["status"] = "Package\n" }, 4, "base image debian"},
		"archives that are not":   {func(s *shop) { s.l.Policy.Bases.Archives = []string{"other"} }, 4, "debian"},
		"no index":                {func(s *shop) { s.Fails = "index" }, 5, "index: out of order"},
		"no apt":                  {func(s *shop) { s.Fails = "seed" }, 6, "seed: out of order"},
		"packages that are not":   {func(s *shop) { s.Fails = "resolver" }, 6, "resolver: out of order"},
		"none of it, all is well": {func(*shop) {}, 6, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.locked()
			old := flowtest.Files(t, s.app.Dir)
			s.app.Base = app.Base{Image: "debian@" + digests.Of(nil)}
			tt.spoil(s)
			l, _, err := s.l.Lock(t.Context(), s.app, Options{})
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("ended with %v", err)
			}
			if !slices.Equal(s.Asked, order[:tt.asked]) {
				t.Errorf("asked for %q, want %q", s.Asked, order[:tt.asked])
			}
			if same := slices.Equal(flowtest.Files(t, s.app.Dir), old); same != (err != nil) || (l == nil) != (err != nil) {
				t.Errorf("the old lock stays: %t", same)
			}
			if err == nil && (l.Base.Digest != digests.Of(nil) || len(l.Packages.Base) > 0 || len(l.Packages.Image) != 1) {
				t.Errorf("locked %+v", l)
			}
		})
	}
}

// TestImagesOfADockerfile are pinned as the judge says; what the old lock has
// stays where tags are allowed and only other files changed.
func TestImagesOfADockerfile(t *testing.T) {
	s := newShop(t)
	s.app.Base = app.Base{Dockerfile: "Dockerfile", Debian: "trixie"}
	s.file("Dockerfile", "FROM a")
	s.refs = []string{"a:1", "b@" + digests.Of(nil)}
	l := s.locked()
	now := digests.Of([]byte("now"))
	if want := []lock.Image{{Ref: "a:1", Digest: now}, {Ref: "b@" + digests.Of(nil), Digest: digests.Of(nil)}}; !slices.Equal(l.Images, want) {
		t.Fatalf("pinned %+v", l.Images)
	}
	l.Images[0].Digest = digests.Of([]byte("before"))
	s.write(l)
	s.file("page", "new")
	if l, err := s.l.Locked(t.Context(), s.app, false, Options{}); err != nil || len(s.Asked) > 0 || l.Images[0].Digest != digests.Of([]byte("before")) {
		t.Errorf("another file: %+v, %v, asked for %q", l.Images, err, s.Asked)
	}
	s.l.Policy.Bases.Images.AllowTags = true
	s.file("Dockerfile", "FROM a\n")
	if l, err := s.l.Locked(t.Context(), s.app, false, Options{}); err != nil || slices.Contains(s.Asked, "index") || l.Images[0].Digest != digests.Of([]byte("before")) {
		t.Errorf("another Dockerfile: %+v, %v, asked for %q", l.Images, err, s.Asked)
	}
	s.Again()
	s.Fails = "judge a:1@" + digests.Of([]byte("before"))
	s.file("Dockerfile", "FROM a\n\n")
	before := flowtest.Files(t, s.app.Dir)
	if _, err := s.l.Locked(t.Context(), s.app, false, Options{}); err == nil || !strings.Contains(err.Error(), "base.dockerfile") || s.Asked[len(s.Asked)-1] != "engine closed" {
		t.Errorf("an image that is refused: %v, asked for %q", err, s.Asked)
	}
	if !slices.Equal(flowtest.Files(t, s.app.Dir), before) {
		t.Error("the lock was written")
	}
}

// TestOlderIndexIsRefused but for who asks for it, and the lock says so.
func TestOlderIndexIsRefused(t *testing.T) {
	s := newShop(t)
	s.locked()
	s.l.Archive = flowtest.NewArchive(t, s.Ports, "1", 0)
	if _, _, err := s.l.Lock(t.Context(), s.app, Options{}); fault.KindOf(err) != fault.Integrity {
		t.Errorf("an older index: %v", err)
	}
	s.l.Archive = flowtest.NewArchive(t, s.Ports, "0", 2*time.Hour)
	if _, _, err := s.l.Lock(t.Context(), s.app, Options{}); fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), "openssl:amd64 1 -> 0") {
		t.Errorf("older packages: %v", err)
	}
	l, changes, err := s.l.Lock(t.Context(), s.app, Options{Rollback: true})
	if err != nil || len(l.Rollback) == 0 || !changes[0].Downgrade {
		t.Errorf("on purpose: %+v, %v, %v", l, changes, err)
	}
}

// TestSamePackagesAgain: a lock that would say the same is not written, however
// young the archive's index is; where only the app's files changed it keeps the
// date that its packages had, and that they went back.
func TestSamePackagesAgain(t *testing.T) {
	s := newShop(t)
	before := s.locked()
	before.Rollback = []lock.Step{{Of: "nginx:amd64", From: "2", To: "1"}}
	s.write(before)
	written, err := os.Stat(Path(s.app))
	flowtest.Must(t, err)
	s.l.Archive = flowtest.NewArchive(t, s.Ports, "1", 2*time.Hour)
	l, changes, err := s.l.Lock(t.Context(), s.app, Options{})
	if err != nil || len(changes) > 0 || l.Digest() != before.Digest() {
		t.Errorf("locked anew: %+v, %v", changes, err)
	}
	if now, err := os.Stat(Path(s.app)); err != nil || !os.SameFile(written, now) {
		t.Errorf("the lock was written again: %v", err)
	}
	s.file("site/page", "new")
	s.app.Files = []app.File{{From: "site", To: "/srv"}}
	l, changes, err = s.l.Lock(t.Context(), s.app, Options{})
	if err != nil || len(changes) > 0 || len(l.Files) != 1 || !slices.Equal(l.Archives, before.Archives) || !slices.Equal(l.Rollback, before.Rollback) {
		t.Errorf("other files: %+v, %+v, %v", l, changes, err)
	}
	if kept, err := lock.Read(Path(s.app)); err != nil || kept.Digest() != l.Digest() {
		t.Errorf("kept %+v, %v", kept, err)
	}
}

// TestNothingIsWrittenToLookAtIt: what a lock would be is no lock yet.
func TestNothingIsWrittenToLookAtIt(t *testing.T) {
	s := newShop(t)
	old := s.locked()
	before := flowtest.Files(t, s.app.Dir)
	s.l.Archive = flowtest.NewArchive(t, s.Ports, "2", 2*time.Hour)
	fresh, changes, err := s.l.Relock(t.Context(), s.app, old, Options{})
	if err != nil || len(changes) == 0 || fresh.Digest() == old.Digest() || !slices.Equal(flowtest.Files(t, s.app.Dir), before) {
		t.Errorf("%+v, %v, and beside the app lies %q", changes, err, flowtest.Files(t, s.app.Dir))
	}
}

// TestUnreadableLock: a build says how to get a lock back that cannot be read,
// and one that cannot be replaced stays.
func TestUnreadableLock(t *testing.T) {
	s := newShop(t)
	made := s.locked()
	flowtest.Must(t, os.Remove(Path(s.app)))
	flowtest.Must(t, os.MkdirAll(filepath.Join(Path(s.app), "below"), 0o700))
	_, err := s.l.Locked(t.Context(), s.app, false, Options{})
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.HintOf(err), "restore the lock from version control") || len(s.Asked) > 0 {
		t.Errorf("built: %v (%s), asked for %q", err, fault.HintOf(err), s.Asked)
	}
	if old, err := Replaced(s.app); old != nil || err != nil {
		t.Errorf("replaced would be %+v, %v", old, err)
	}
	if _, _, err := s.l.Lock(t.Context(), s.app, Options{}); err == nil || !strings.Contains(err.Error(), "writing the lock") {
		t.Errorf("locked: %v", err)
	}
	flowtest.Must(t, os.RemoveAll(Path(s.app)))
	s.write(made)
	s.Again()
	s.app.Files = []app.File{{From: "none", To: "/srv"}}
	if _, err := s.l.Locked(t.Context(), s.app, false, Options{}); err == nil || len(s.Asked) > 0 {
		t.Errorf("files that are not there: %v, asked for %q", err, s.Asked)
	}
}
