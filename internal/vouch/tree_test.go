package vouch_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/vouch"
)

// TestSwappedTree changes each thing in a folder that its note speaks of, and
// what it does not.
func TestSwappedTree(t *testing.T) {
	k := open(t, t.TempDir())
	in := func(name string) func(dir string) string {
		return func(dir string) string { return filepath.Join(dir, name) }
	}
	program, hole := in("bin/program"), in("hole")
	for name, tt := range map[string]struct {
		change func(dir string) error
		holds  bool
	}{
		"nothing":       {func(string) error { return nil }, true},
		"a date":        {func(dir string) error { return os.Chtimes(program(dir), time.Now(), time.Unix(1, 0)) }, true},
		"a filled hole": {func(dir string) error { return os.WriteFile(hole(dir), make([]byte, 300<<10), 0o644) }, true},
		"a content":     {func(dir string) error { return os.WriteFile(program(dir), []byte("evil"), 0o755) }, false},
		"a byte after a hole": {func(dir string) error {
			f, err := os.OpenFile(hole(dir), os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte{1}, 200<<10)
			return errors.Join(err, f.Close())
		}, false},
		"a longer hole": {func(dir string) error { return os.Truncate(hole(dir), 301<<10) }, false},
		"a block that moved": {func(dir string) error {
			text := append(make([]byte, 128<<10), "data"...)
			return os.WriteFile(in("data")(dir), append(text, make([]byte, 172<<10-4)...), 0o644)
		}, false},
		"a mode": {func(dir string) error { return os.Chmod(program(dir), 0o755|os.ModeSetuid) }, false},
		"a capability": {func(dir string) error {
			return unix.Setxattr(program(dir), "security.capability", []byte("\x01\x00\x00\x02\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 0)
		}, false},
		"a link": {func(dir string) error {
			return errors.Join(os.Remove(in("link")(dir)), os.Symlink("evil", in("link")(dir)))
		}, false},
		"a new file":     {func(dir string) error { return os.WriteFile(in("bin/other")(dir), nil, 0o644) }, false},
		"a file removed": {func(dir string) error { return os.Remove(program(dir)) }, false},
		"a file moved":   {func(dir string) error { return os.Rename(program(dir), in("program")(dir)) }, false},
		"all of it":      {os.RemoveAll, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "tree")
			must(t, os.MkdirAll(filepath.Join(dir, "bin"), 0o755))
			must(t, os.WriteFile(program(dir), []byte("good"), 0o755))
			must(t, os.Symlink("bin/program", in("link")(dir)))
			must(t, os.WriteFile(hole(dir), nil, 0o644))
			must(t, os.Truncate(hole(dir), 300<<10))
			must(t, os.WriteFile(in("data")(dir), []byte("data"), 0o644))
			must(t, os.Truncate(in("data")(dir), 300<<10))
			must(t, k.NoteTree(t.Context(), vouch.Programs, name, dir))
			must(t, tt.change(dir))
			if holds, err := k.Holds(t.Context(), vouch.Programs, name, dir); err != nil || holds != tt.holds {
				t.Errorf("holds %v (%v), want %v", holds, err, tt.holds)
			}
			if holds, _ := k.Holds(t.Context(), vouch.Part, name, dir); holds {
				t.Error("it holds as something else")
			}
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.NoteTree(ended, vouch.Programs, "x", t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

// TestUse takes a folder into use that holds what was noted, and removes one
// that holds anything else, unless it could not be looked at.
func TestUse(t *testing.T) {
	k, dir := open(t, t.TempDir()), filepath.Join(t.TempDir(), "tree")
	must(t, os.Mkdir(dir, 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "program"), []byte("good"), 0o755))
	must(t, k.NoteTree(t.Context(), vouch.Part, "it", dir))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Use(ended, vouch.Part, "it", dir); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	for range 2 {
		done, err := k.Use(t.Context(), vouch.Part, "it", dir)
		must(t, err)
		done()
	}
	must(t, os.WriteFile(filepath.Join(dir, "program"), []byte("evil"), 0o755))
	if _, err := k.Use(t.Context(), vouch.Part, "it", dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a swapped program: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder stays: %v", err)
	}
}
