package owner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/owner"
)

// TestFolderThatAllCanWriteTo: in such a folder anybody can put a file of
// somebody's, found elsewhere, in the place of another one; in a sticky one only
// its owner can.
func TestFolderThatAllCanWriteTo(t *testing.T) {
	for mode, refused := range map[os.FileMode]bool{0o755: false, 0o777: true, 0o777 | os.ModeSticky: false} {
		open, private := t.TempDir(), t.TempDir()
		file, link := filepath.Join(open, "bakelite.yaml"), filepath.Join(private, "bakelite.yaml")
		for _, err := range []error{os.Chmod(private, 0o755), os.WriteFile(file, nil, 0o600), os.Symlink(file, link), os.Chmod(open, mode)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{file, link} {
			err := owner.Own("").Check(path, info)
			if refused != (err != nil) || refused && !strings.Contains(err.Error(), "lies in "+open) {
				t.Errorf("mode %v, %s: %v", mode, path, err)
			}
		}
	}
}
