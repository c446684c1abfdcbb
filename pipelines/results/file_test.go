package results

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
)

// TestReadWhole: the last byte that is allowed is read, one more is refused,
// and what is no file is not waited for.
func TestReadWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	must(t, os.WriteFile(path, []byte("12345"), 0o600))
	if text, err := ReadWhole(path, 5); err != nil || string(text) != "12345" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := ReadWhole(path, 4); fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), "limit of 4 bytes") {
		t.Errorf("a larger one: %v", err)
	}
	if _, err := ReadWhole(path+"2", 5); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	if _, err := ReadWhole(filepath.Dir(path), 5); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a folder: %v", err)
	}
}

// TestWriteJSON: a value that cannot be written leaves what was there, and so
// does a name that cannot be taken.
func TestWriteJSON(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	must(t, WriteJSON(path, map[string]int{"b": 2, "a": 1}))
	const want = "{\n  \"a\": 1,\n  \"b\": 2\n}\n"
	if text, err := os.ReadFile(path); err != nil || string(text) != want {
		t.Errorf("%q, %v", text, err)
	}
	for name, tt := range map[string]struct {
		path  string
		value any
	}{
		"a value of no form":         {path, make(chan int)},
		"a folder that is not there": {filepath.Join(dir, "none", "a.json"), 1},
		"a folder in its place":      {dir, 1},
	} {
		if err := WriteJSON(tt.path, tt.value); err == nil || !strings.Contains(err.Error(), "writing "+tt.path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != want {
		t.Errorf("it became %q, %v", text, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left beside it: %v, %v", entries, err)
	}
}
