// Package stricttest holds what the tests of strict files have alike: apps and
// policies are loaded from folders, show all of their mistakes at once, and
// have a schema that is made from their types. It is imported by tests only.
package stricttest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/strict"
)

// Folder makes a folder from names and contents.
func Folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Missing wants a folder without the file to be a missing file, with what to
// do.
func Missing(t *testing.T, load func(dir string) error) {
	t.Helper()
	if err := load(t.TempDir()); fault.KindOf(err) != fault.Missing || fault.HintOf(err) == "" {
		t.Errorf("got %v, hint %q", err, fault.HintOf(err))
	}
}

// Mistakes wants loading a folder to say exactly this of a file in it: a line
// for each mistake, with its place.
func Mistakes(t *testing.T, dir, file string, load func(dir string) error, want string) {
	t.Helper()
	err := load(dir)
	var problems strict.Problems
	if !errors.As(err, &problems) || fault.KindOf(err) != fault.Invalid {
		t.Fatalf("got %v", err)
	}
	if got := strings.ReplaceAll(err.Error(), filepath.Join(dir, file), file); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
