package bake

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/pipelines/results"
)

// TestOrderOfRebuilding: a new lock is shown before anything is built of it,
// and takes the old one's place when all that was asked for is done.
func TestOrderOfRebuilding(t *testing.T) {
	refused := errors.New("refused")
	locks := []string{"index", "seed"}
	bakes := append(slices.Clone(locks), "accept", "engine")
	for name, tt := range map[string]struct {
		spoil  func(*shop, *RebuildOptions)
		asked  []string // up to the engine, and what comes after its end
		then   bool
		says   string // "" for no error
		writes bool
	}{
		"no index":      {spoil: func(s *shop, _ *RebuildOptions) { s.Fails = "index" }, asked: locks[:1], says: "index: out of order"},
		"no apt":        {spoil: func(s *shop, _ *RebuildOptions) { s.Fails = "seed" }, asked: locks, says: "seed: out of order"},
		"no packages":   {spoil: func(s *shop, _ *RebuildOptions) { s.Fails = "resolver" }, asked: locks, says: "resolver: out of order"},
		"not accepted":  {spoil: func(s *shop, _ *RebuildOptions) { s.Fails = "accept" }, asked: bakes[:3], says: "accept: out of order"},
		"no engine":     {spoil: func(s *shop, _ *RebuildOptions) { s.Fails = "engine" }, asked: bakes, says: "engine: out of order"},
		"no image":      {spoil: func(s *shop, _ *RebuildOptions) { s.Fails = "image" }, asked: bakes, says: "image: out of order"},
		"no disk":       {spoil: func(s *shop, _ *RebuildOptions) { s.Fails = "disk" }, asked: bakes, says: "disk: out of order"},
		"a failed test": {spoil: func(s *shop, _ *RebuildOptions) { s.Untested = "disk" }, asked: bakes, says: "1 of 1 checks failed"},
		"what has to be done then": {spoil: func(_ *shop, o *RebuildOptions) {
			o.Then = func(context.Context, *results.Built) error { return refused }
		}, asked: bakes, says: "refused"},
		"all of it":                {spoil: func(*shop, *RebuildOptions) {}, asked: bakes, then: true, writes: true},
		"all of it, and no more":   {spoil: func(_ *shop, o *RebuildOptions) { o.Then = nil }, asked: bakes, writes: true},
		"a step that is forbidden": {spoil: func(s *shop, _ *RebuildOptions) { s.forbidNetwork() }, says: "the policy forbids"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.baked(s.lock)
			s.archive("2", time.Hour)
			old := flowtest.Files(t, s.app.Dir)
			did := false
			o := RebuildOptions{
				Accept: func(fresh *lock.Lock, changes []lock.Change) error {
					if len(changes) == 0 || fresh.Packages.Tools[0].Version != "2" {
						t.Errorf("shown %+v", changes)
					}
					return s.Ask("accept")
				},
				Then: func(_ context.Context, built *results.Built) error {
					did = true
					if flowtest.Free(t, s.b.Folder) || !built.Rebuilt || len(built.Changes) == 0 {
						t.Errorf("then there is %+v, and the place is free: %t", built, flowtest.Free(t, s.b.Folder))
					}
					return nil
				},
			}
			tt.spoil(s, &o)
			_, err := s.b.Rebuild(t.Context(), s.app, o)
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("ended with %v, want %q", err, tt.says)
			}
			asked := s.Asked[:min(len(tt.asked), len(s.Asked))]
			if !slices.Equal(asked, tt.asked) || !slices.Contains(tt.asked, "engine") && len(s.Asked) != len(tt.asked) {
				t.Errorf("asked for %q, want %q", s.Asked, tt.asked)
			}
			if did != tt.then || !flowtest.Free(t, s.b.Folder) {
				t.Errorf("the rest was done: %t; the place is free: %t", did, flowtest.Free(t, s.b.Folder))
			}
			if closed := slices.Contains(s.Asked, "engine closed"); closed != (slices.Contains(tt.asked, "engine") && tt.says != "engine: out of order") {
				t.Errorf("the engine was closed: %t", closed)
			}
			if slices.Contains(s.names(), ".web.work") {
				t.Errorf("left %q", s.names())
			}
			if now := flowtest.Files(t, s.app.Dir); slices.Equal(now, old) == tt.writes {
				t.Errorf("the lock is %q, was %q", now, old)
			}
		})
	}
}

// TestRebuildOfWhatIsCurrent: where the archive has what the lock has, nothing
// is written and nothing baked, and the rest is done all the same.
func TestRebuildOfWhatIsCurrent(t *testing.T) {
	s := newShop(t)
	l, _, err := s.b.Lock(t.Context(), s.app, pin.Options{})
	flowtest.Must(t, err)
	s.baked(l)
	old := flowtest.Files(t, s.app.Dir)
	s.Again()
	s.archive("1", time.Hour) // a younger index with the same packages
	did := false
	built, err := s.b.Rebuild(t.Context(), s.app, RebuildOptions{Then: func(context.Context, *results.Built) error { did = true; return nil }})
	if err != nil || built.Rebuilt || len(built.Changes) > 0 || !did || slices.Contains(s.Asked, "engine") {
		t.Errorf("got %+v, %v, and asked for %q", built, err, s.Asked)
	}
	if now := flowtest.Files(t, s.app.Dir); !slices.Equal(now, old) {
		t.Errorf("the lock was written: %q", now)
	}
}

// TestKeptPackageStays: what was planned to stay does, whatever the archive has.
func TestKeptPackageStays(t *testing.T) {
	s := newShop(t)
	s.app.Packages = []string{"nginx"}
	s.archive("2", time.Hour)
	_, err := s.b.Rebuild(t.Context(), s.app, RebuildOptions{Options: Options{SkipTests: true}, Keep: map[string]string{"nginx": "1"}})
	flowtest.Must(t, err)
	l, err := lock.Read(pin.Path(s.app))
	if err != nil || l.Packages.App[0].Version != "1" || l.Packages.Tools[0].Version != "2" {
		t.Errorf("locked %+v, %v", l, err)
	}
}
