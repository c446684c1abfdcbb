package lock_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

// TestLocksOfEarlierVersions reads the forms of locks that there were, as they
// were written: each is read, means what it meant, and has the digest that
// receipts and signatures have of it.
func TestLocksOfEarlierVersions(t *testing.T) {
	for name, want := range map[string]struct {
		distribution bool
		app          int
	}{"first": {false, 16}, "distribution": {true, 16}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "old", name+".lock")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			l, err := lock.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			if l.App != "web" || (l.Distribution != nil) != want.distribution || len(l.Packages.App) != want.app || len(l.Archives) != 3 {
				t.Errorf("it has the distribution %v, %d packages of the app and %d archives", l.Distribution, len(l.Packages.App), len(l.Archives))
			}
			if l.Digest() != digests.Of(text) {
				t.Error("its digest is another one by now")
			}
		})
	}
}

// TestLocksOfLaterVersions are refused, and said to be of another version.
func TestLocksOfLaterVersions(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "old", "distribution.lock"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "app.lock")
	if err := os.WriteFile(path, bytes.Replace(text, []byte("bakelite.dev/v1"), []byte("bakelite.dev/v2"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Read(path); fault.KindOf(err) != fault.Invalid || !bytes.Contains([]byte(err.Error()), []byte("bakelite.dev/v1")) {
		t.Errorf("got %v", err)
	}
}
