package engine

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tonistiigi/fsutil"
)

// TestModesThatNoLockCountsAreNotSent: of a mode the engine learns whether a
// file can be executed, whatever the umask of a clone was.
func TestModesThatNoLockCountsAreNotSent(t *testing.T) {
	dir := t.TempDir()
	for path, mode := range map[string]os.FileMode{"private": 0o600, "shared": 0o664, "tool": 0o700, "setuid": 0o755 | os.ModeSetuid, "unseen": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, path), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	for path, mode := range map[string]os.FileMode{"folder": 0o700, "sticky": 0o777 | os.ModeSticky, "hidden": 0o755} {
		if err := os.Mkdir(filepath.Join(dir, path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("tool", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	tree, err := fsutil.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	if tree, err = without([]string{"unseen", "hidden"}, tree); err != nil {
		t.Fatal(err)
	}
	want := map[string]fs.FileMode{
		"private": 0o644, "shared": 0o644, "tool": 0o755, "setuid": 0o755,
		"folder": fs.ModeDir | 0o755, "sticky": fs.ModeDir | 0o755, "link": fs.ModeSymlink | 0o777,
	}
	err = tree.Walk(t.Context(), "", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if mode, ok := want[path]; !ok || info.Mode() != mode {
			t.Errorf("%s has %v, want %v", path, info.Mode(), mode)
		}
		delete(want, path)
		return nil
	})
	if err != nil || len(want) > 0 {
		t.Errorf("not sent: %v (%v)", want, err)
	}
}
