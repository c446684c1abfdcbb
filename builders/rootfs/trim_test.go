package rootfs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNeededLibrariesStay: a library, or Perl, goes only where nothing that stays
// depends on it, be it through another library.
func TestNeededLibrariesStay(t *testing.T) {
	if _, err := exec.LookPath("mawk"); err != nil {
		t.Skip(err)
	}
	const status = `Package: server
Status: install ok installed
Pre-Depends: libinit0 (>= 1)
Depends: libc6 (>= 2.38), libsystemd0 (= 1) | libelse1, shell, perl-base, libany1:any, libup1, libdown4

Package: libsystemd0
Depends: libcap9 (>= 1)

Package: libcap9
Description: text
 Depends: libtext1

Package: libup1
Depends: libup2

Package: libup2
Depends: libup3

Package: libup3
Depends: libup4

Package: libdown4
Depends: libdown3

Package: libdown3
Depends: libdown2

Package: libdown2
Depends: libdown1

Package: shell
Depends: libtinfo6
`
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "var/lib/dpkg"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), []byte(status), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", strings.Join(script("libraries.sh"), "\n")+"echo $REMOVE")
	cmd.Env = append(os.Environ(), "ROOT="+root, "REMOVE=libtinfo6 libsystemd0 shell perl-base libcap9 libinit0 libany1 libtext1 other libup1 libup2 libup3 libup4 libdown1 libdown2 libdown3 libdown4")
	said, err := cmd.CombinedOutput()
	if got := strings.TrimSpace(string(said)); err != nil || got != "libtinfo6 shell libtext1 other" {
		t.Errorf("%q go (%v)", got, err)
	}
}
