package pin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
)

// TestShortReadsOfABase: what is longer than its limit is refused, not cut, and
// a long line hides none after it.
func TestShortReadsOfABase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "os-release")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const names = "\nID=debian\nVERSION_CODENAME=trixie\n"
	write("X=" + strings.Repeat("x", maxOSRelease-len(names)-2) + names)
	if suite, err := suiteOf(path); err != nil || suite != "trixie" {
		t.Errorf("after a long line: %q, %v", suite, err)
	}
	write(names + strings.Repeat("#", maxOSRelease))
	if _, err := suiteOf(path); fault.KindOf(err) != fault.Integrity {
		t.Errorf("a file that is too long: %v", err)
	}
}
