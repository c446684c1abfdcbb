package bake

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/pipelines/results"
)

// TestOrderBeforeBaking: what is refused is refused before the engine is asked
// for, and whatever fails leaves the results of the build before as they were.
func TestOrderBeforeBaking(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(*shop)
		asked []string
		kind  fault.Kind
		says  string
	}{
		"a step with a network that the policy forbids": {(*shop).forbidNetwork, nil, fault.Policy, "the policy forbids"},
		"a lock that does not fit": {func(s *shop) {
			l := *s.lock
			l.Inputs = digests.Of([]byte("other"))
			flowtest.Must(s.t, lock.Write(pin.Path(s.app), &l))
		}, nil, fault.Invalid, "the app file asks for other packages"},
		"an archive that the policy lets not in": {func(s *shop) { s.b.Policy.Bases.Archives = []string{"other"} }, nil, fault.Policy, "debian"},
		"no mirror":                              {func(s *shop) { s.b.Mirrors = nil }, nil, fault.Missing, "no mirror is known"},
		"no program for trees": {func(s *shop) {
			s.b.TreeProgram = func() ([]byte, error) { return nil, errors.New("no program") }
		}, nil, fault.Internal, "no program"},
		"no engine": {func(s *shop) { s.Fails = "engine" }, []string{"engine"}, fault.Internal, "engine: out of order"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.baked(flowtest.Lock(s.app, pin.Inputs(s.app), "0"))
			before := flowtest.Files(t, s.b.Folder.Path)
			tt.spoil(s)
			locked := flowtest.Files(t, s.app.Dir)
			built, err := s.b.Build(t.Context(), s.app, Options{Frozen: true})
			if err == nil || built != nil || !strings.Contains(err.Error(), tt.says) || fault.KindOf(err) != tt.kind {
				t.Errorf("ended with %v (%v), want %q (%v)", err, fault.KindOf(err), tt.says, tt.kind)
			}
			if !slices.Equal(s.Asked, tt.asked) {
				t.Errorf("asked for %q, want %q", s.Asked, tt.asked)
			}
			if left := flowtest.Files(t, s.b.Folder.Path); !slices.Equal(left, before) {
				t.Errorf("left %q, want %q", left, before)
			}
			if left := flowtest.Files(t, s.app.Dir); !slices.Equal(left, locked) {
				t.Errorf("left %q beside the app, want %q", left, locked)
			}
			if !flowtest.Free(s.t, s.b.Folder) {
				t.Error("the app's place is taken")
			}
		})
	}
}

// TestNothingToBake: where all is there nobody asks for the engine, and for
// what is not there somebody does.
func TestNothingToBake(t *testing.T) {
	s := newShop(t)
	s.baked(s.lock)
	built, err := s.b.Build(t.Context(), s.app, Options{Frozen: true})
	if err != nil || built.Rebuilt || len(s.Asked) > 0 || len(built.Artifacts) != 2 {
		t.Fatalf("got %+v, %v, and asked for %q", built, err, s.Asked)
	}
	flowtest.Must(t, os.Remove(filepath.Join(s.b.Folder.Path, "web.raw")))
	if _, err = s.b.Build(t.Context(), s.app, Options{Targets: []string{artifact.Container}, Frozen: true}); err != nil {
		t.Errorf("an image that is there was baked: %v", err)
	}
	s.Fails = "engine"
	if _, err = s.b.Build(t.Context(), s.app, Options{Targets: []string{artifact.Disk}, Frozen: true}); err == nil || !strings.Contains(err.Error(), "engine: out of order") {
		t.Errorf("a disk that is gone was not baked: %v", err)
	}
}

// work is what a bake leaves: an image and a disk, neither with its name.
func (s *shop) work() *work {
	s.t.Helper()
	w, err := s.b.newWork(s.app, flowtest.Engine{Ports: s.Ports})
	flowtest.Must(s.t, err)
	w.session.Caches = engine.NewCaches("web")
	w.made = []artifact.Artifact{flowtest.Image(s.t, filepath.Join(w.dir, "web.oci"), 2048), flowtest.Disk(s.t, w.dir, "raw", "a newer disk")}
	return w
}

// finish is build after the bake, as it ends a work.
func (s *shop) finish(old results.Receipt) (results.Receipt, error) {
	w := s.work()
	defer w.discard()
	return w.finish(s.t.Context(), old, results.Receipt{App: "web", Key: "key", LockDigest: s.lock.Digest(), Started: time.Now()}, Options{Targets: targets(nil)})
}

// TestOrderAfterBaking has each step after the bake fail: before all is tested
// no name moves, and a receipt never speaks of what is not there.
func TestOrderAfterBaking(t *testing.T) {
	both := []string{"checker", "tests of the container", "tests of the disk"}
	earlier := []string{"web.oci", "web.raw", "web.receipt.json"}
	for name, tt := range map[string]struct {
		spoil func(*shop)
		asked []string // but for the checker, which runs beside
		names []string
		moved bool // whether the disk that was made has its name
		kind  fault.Kind
		says  string
	}{
		"a test of the image": {func(s *shop) { s.Untested = artifact.Container }, both[1:2], []string{"web.failed", "web.oci", "web.raw", "web.receipt.json"}, false, fault.Policy, "1 of 1 checks failed"},
		"a test of the disk":  {func(s *shop) { s.Untested = artifact.Disk }, both[1:], []string{"web.failed", "web.oci", "web.raw", "web.receipt.json"}, false, fault.Policy, "1 of 1 checks failed"},
		"the machine":         {func(s *shop) { s.Fails = both[2] }, both[1:], earlier, false, fault.Internal, "testing the disk"},
		"the checker":         {func(s *shop) { s.Fails = both[0] }, nil, earlier, false, fault.Internal, "checker: out of order"},
		"removing the receipt": {func(s *shop) {
			path := s.b.Folder.ReceiptPath("web")
			flowtest.Must(s.t, os.Remove(path))
			flowtest.Must(s.t, os.MkdirAll(filepath.Join(path, "below"), 0o700))
		}, both[1:], earlier, false, fault.Internal, "removing old receipt"},
		"naming the disk": {func(s *shop) {
			path := filepath.Join(s.b.Folder.Path, "web.raw")
			flowtest.Must(s.t, os.Rename(path, path+".old"))
			flowtest.Must(s.t, os.MkdirAll(filepath.Join(path, "below"), 0o700))
		}, both[1:], []string{"web.oci", "web.raw", "web.raw.old"}, false, fault.Internal, "naming disk"},
		"noting the receipt": {func(s *shop) {
			notes := filepath.Join(s.b.State, "vouched")
			flowtest.Must(s.t, os.RemoveAll(notes))
			flowtest.Must(s.t, os.WriteFile(notes, nil, 0o600))
		}, both[1:], earlier[:2], true, fault.Internal, "folder for notes"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			old := s.baked(s.lock)
			before := flowtest.Files(t, filepath.Join(s.b.Folder.Path, "web.oci"))
			tt.spoil(s)
			_, err := s.finish(old.Receipt)
			if err == nil || !strings.Contains(err.Error(), tt.says) || fault.KindOf(err) != tt.kind {
				t.Errorf("ended with %v (%v), want %q (%v)", err, fault.KindOf(err), tt.says, tt.kind)
			}
			asked := slices.DeleteFunc(s.Asked, func(what string) bool { return what == "checker" || what == "engine closed" })
			// A checker that fails ends the tests, wherever they are.
			if name != "the checker" && !slices.Equal(asked, tt.asked) {
				t.Errorf("asked for %q, want %q", asked, tt.asked)
			}
			if names := s.names(); !slices.Equal(names, tt.names) {
				t.Errorf("left %q, want %q", names, tt.names)
			}
			if text, _ := os.ReadFile(filepath.Join(s.b.Folder.Path, "web.raw")); (string(text) == "a newer disk") != tt.moved {
				t.Errorf("the disk is %q", text)
			}
			if same := slices.Equal(flowtest.Files(t, filepath.Join(s.b.Folder.Path, "web.oci")), before); same != slices.Contains(tt.names, "web.receipt.json") {
				t.Errorf("the image is the earlier one: %t", same)
			}
			if kept := flowtest.Files(t, filepath.Join(s.b.Folder.Path, "web.failed")); tt.kind == fault.Policy && len(kept) < 2 {
				t.Errorf("kept for study %q", kept)
			}
		})
	}
}

// TestOrderOfNames: what passed takes the place of what was there, and what
// the build before left besides goes.
func TestOrderOfNames(t *testing.T) {
	s := newShop(t)
	old := s.baked(s.lock)
	old.Artifacts = append(old.Artifacts, flowtest.Disk(t, s.b.Folder.Path, "qcow2", "disk"))
	flowtest.Must(t, os.Mkdir(filepath.Join(s.b.Folder.Path, "web.failed"), 0o700))
	r, err := s.finish(old.Receipt)
	flowtest.Must(t, err)
	if want := []string{"web.oci", "web.raw", "web.receipt.json"}; !slices.Equal(s.names(), want) {
		t.Errorf("left %q, want %q", s.names(), want)
	}
	slices.Sort(s.Asked)
	if want := []string{"checker", "engine closed", "tests of the container", "tests of the disk"}; !slices.Equal(s.Asked, want) {
		t.Errorf("asked for %q, want %q", s.Asked, want)
	}
	last, err := s.b.Folder.LastBuild(t.Context(), "web")
	if err != nil || last.Key != "key" || last.Digest() != r.Digest() || !last.Holds() || len(last.Tests[artifact.Disk].Hardening) != 1 {
		t.Errorf("the receipt says %+v, %v", last, err)
	}
}

// TestOrderWaitsForThePlace: while another build has the app's place neither
// flow asks for anything, and whoever is stopped while waiting leaves it all.
func TestOrderWaitsForThePlace(t *testing.T) {
	for name, run := range map[string]func(*shop, context.Context) error{
		"build": func(s *shop, ctx context.Context) error {
			_, err := s.b.Build(ctx, s.app, Options{})
			return err
		},
		"rebuild": func(s *shop, ctx context.Context) error {
			_, err := s.b.Rebuild(ctx, s.app, RebuildOptions{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			release, err := s.b.Folder.Hold(t.Context(), "web")
			flowtest.Must(t, err)
			defer release()
			ctx, stop := context.WithTimeout(t.Context(), 150*time.Millisecond)
			defer stop()
			if err := run(s, ctx); !errors.Is(err, context.DeadlineExceeded) || len(s.Asked) > 0 {
				t.Errorf("ended with %v, and asked for %q", err, s.Asked)
			}
			if names := s.names(); len(names) > 0 {
				t.Errorf("left %q", names)
			}
		})
	}
}

// TestHandedOverIsNotBaked: a build that is told of a receipt takes what was
// built elsewhere, or nothing; it bakes in neither case.
func TestHandedOverIsNotBaked(t *testing.T) {
	s := newShop(t)
	elsewhere := s.baked(s.lock)
	s.b.Folder.Vouch = vouchtest.Key(t)
	built, err := s.b.Build(t.Context(), s.app, Options{Frozen: true, Receipt: elsewhere.Digest()})
	if err != nil || built.Rebuilt || built.Digest() != elsewhere.Digest() || len(built.Artifacts) != 2 {
		t.Errorf("got %+v, %v", built, err)
	}
	built, err = s.b.Build(t.Context(), s.app, Options{Frozen: true, Receipt: digests.Of(nil)})
	if fault.KindOf(err) != fault.Integrity || built != nil || len(s.Asked) > 0 {
		t.Errorf("by another digest it is %+v, %v, after %q", built, err, s.Asked)
	}
}
