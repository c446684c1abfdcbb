// Package scripts tests the scripts of this folder.
package scripts

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// held is a lock of apt's, and what a script writes, which ends the lock when
// it says that it waits.
type held struct {
	text bytes.Buffer
	lock *os.File
	says string
}

func (h *held) Write(text []byte) (int, error) {
	n, err := h.text.Write(text)
	if strings.Contains(h.text.String(), h.says) {
		h.lock.Close()
	}
	return n, err
}

// Another apt is waited for, whichever of its locks it holds. The apt here is
// the real one, with folders of its own, so that nothing can be installed.
func TestPackagesWaitsForAnotherApt(t *testing.T) {
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		t.Skip("needs apt-get and root")
	}
	for lock, says := range map[string]string{
		"var/lib/apt/lists/lock":     fmt.Sprintf("waiting for another apt: It is held by process %d", os.Getpid()),
		"var/lib/dpkg/lock-frontend": "Waiting for cache lock",
	} {
		t.Run(filepath.Base(lock), func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{
				"apt.conf": fmt.Sprintf("Dir %q;", dir), "etc/apt/sources.list": "", "var/lib/dpkg/status": "", lock: "",
			} {
				file := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			f, err := os.OpenFile(filepath.Join(dir, lock), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK}); err != nil {
				t.Fatal(err)
			}
			out := &held{lock: f, says: says}
			command := exec.Command("./packages.sh", "bakelite-has-no-such-package")
			command.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(dir, "apt.conf"), "LC_ALL=C")
			command.Stdout, command.Stderr = out, out
			err = command.Run()
			for _, want := range []string{says, "Unable to locate package bakelite-has-no-such-package"} {
				if err == nil || !strings.Contains(out.text.String(), want) {
					t.Errorf("got %v and not %q in:\n%s", err, want, out.text.String())
				}
			}
		})
	}
}
