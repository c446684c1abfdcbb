package bake

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/pipelines/flowtest"
)

// seeds has a seed's packages, and writes its layer as it is told.
type seeds struct {
	flowtest.Archive
	layer func(w io.Writer) error
}

func (s seeds) SeedLayer(_ context.Context, w io.Writer, _ []lock.Pin) error { return s.layer(w) }

// seeded is a shop whose lock has a seed that was never made.
func seeded(t *testing.T) *shop {
	t.Helper()
	s := newShop(t)
	s.lock.Packages.Seed = []lock.Pin{flowtest.Pin("apt", "1")}
	flowtest.Must(t, os.RemoveAll(filepath.Join(s.b.State, "seed")))
	return s
}

// TestSeedIsMadeOnce: a seed is made from its lock's packages where there is
// none of them, and taken from there by every later bake.
func TestSeedIsMadeOnce(t *testing.T) {
	s := seeded(t)
	first, err := s.b.seedLayout(t.Context(), s.lock)
	flowtest.Must(t, err)
	made, err := oci.Only(first)
	flowtest.Must(t, err)
	again, err := s.b.seedLayout(t.Context(), s.lock)
	if want := []string{"packages of the seed"}; err != nil || again != first || !slices.Equal(s.Asked, want) {
		t.Errorf("again it is %s, not %s (%v), after %q", again, first, err, s.Asked)
	}
	s.lock.Packages.Seed[0].SHA256 = "c" + s.lock.Packages.Seed[0].SHA256[1:]
	other, err := s.b.seedLayout(t.Context(), s.lock)
	if err != nil || other == first || len(s.Asked) != 2 {
		t.Errorf("other packages are %s, as %s (%v), after %q", other, first, err, s.Asked)
	}
	if now, err := oci.Only(first); err != nil || now != made {
		t.Errorf("the first became %s, %v", now, err)
	}
}

// TestSwappedSeed puts another first system in the place of a seed, or edits
// it: it is made again, for all packages are unpacked by what is in it.
func TestSwappedSeed(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, dir string){
		"another one": func(t *testing.T, dir string) {
			t.Helper()
			flowtest.Must(t, os.RemoveAll(dir))
			flowtest.Image(t, dir, 4096)
		},
		"a blob more": func(t *testing.T, dir string) {
			t.Helper()
			write(t, filepath.Join(dir, "blobs", "sha256"), "0")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := seeded(t)
			dir, err := s.b.seedLayout(t.Context(), s.lock)
			flowtest.Must(t, err)
			before := flowtest.Files(t, dir)
			harm(t, dir)
			again, err := s.b.seedLayout(t.Context(), s.lock)
			if err != nil || again != dir || len(s.Asked) != 2 || !slices.Equal(flowtest.Files(t, dir), before) {
				t.Errorf("it is %q, %v, after %q", flowtest.Files(t, dir), err, s.Asked)
			}
		})
	}
}

// TestSeedThatFails: a seed that could not be made whole has no name, leaves
// nothing beside it, and is made by the next bake; no engine is asked for.
func TestSeedThatFails(t *testing.T) {
	broken := errors.New("a package is broken")
	for name, spoil := range map[string]func(s *shop){
		"no packages": func(s *shop) { s.Fails = "packages of the seed" },
		"a broken package": func(s *shop) {
			s.b.Seeds = seeds{flowtest.Archive{Ports: s.Ports}, func(w io.Writer) error {
				_, _ = w.Write(make([]byte, 512))
				return broken
			}}
		},
		"no note of it": func(s *shop) {
			notes := filepath.Join(s.b.State, "vouched")
			flowtest.Must(s.t, os.RemoveAll(notes))
			flowtest.Must(s.t, os.WriteFile(notes, nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := seeded(t)
			flowtest.Must(t, lock.Write(filepath.Join(s.app.Dir, "app.lock"), s.lock))
			seeds, notes := s.b.Seeds, filepath.Join(s.b.State, "vouched")
			spoil(s)
			if built, err := s.b.Build(t.Context(), s.app, Options{Frozen: true}); err == nil || built != nil {
				t.Fatalf("built %+v", built)
			}
			if left, _ := filepath.Glob(filepath.Join(s.b.State, "seed", "*")); len(left) > 0 || slices.Contains(s.Asked, "engine") {
				t.Errorf("left %q, and asked for %q", left, s.Asked)
			}
			if info, err := os.Stat(notes); err == nil && !info.IsDir() {
				flowtest.Must(t, os.Remove(notes))
			}
			s.b.Seeds = seeds
			s.Again()
			if _, err := s.b.seedLayout(t.Context(), s.lock); err != nil {
				t.Errorf("the next one: %v", err)
			}
		})
	}
}
