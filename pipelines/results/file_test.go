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
