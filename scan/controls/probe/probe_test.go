package probe

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/controls/catalogue"
)

// TestWhatTheKernelHas asks for what every kernel has, and for what none has.
func TestWhatTheKernelHas(t *testing.T) {
	if has, err := socket(wanted{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_TCP}); !has || err != nil {
		t.Errorf("TCP: %v, %v", has, err)
	}
	if has, err := socket(wanted{unix.AF_INET, unix.SOCK_STREAM, 253}); has || err != nil { // for experiments (RFC 3692)
		t.Errorf("a protocol that nobody has: %v, %v", has, err)
	}
	if has, err := socket(wanted{unix.AF_MAX - 1, unix.SOCK_STREAM, 0}); has || err != nil {
		t.Errorf("a family that nobody has: %v, %v", has, err)
	}
	has, err := fileSystem("tmpfs")
	if errors.Is(err, unix.EPERM) {
		t.Skip("NOT TESTED: file systems are asked for as root")
	}
	if !has || err != nil {
		t.Errorf("tmpfs: %v, %v", has, err)
	}
	if has, err := fileSystem("nothingfs"); has || err != nil {
		t.Errorf("a file system that nobody has: %v, %v", has, err)
	}
}

// TestAttempts compares with what other programs say.
func TestAttempts(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: what a machine forbids is tried as root")
	}
	asNobody := exec.Command("unshare", "--user", "true")
	asNobody.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	filesystems, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"user-namespace": asNobody.Run() == nil, "debugfs": strings.Contains(string(filesystems), "debugfs\n")} {
		if works, err := Attempt(name); works != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", name, works, err, want)
		}
	}
	for _, name := range []string{"ia32", "io-uring", "proc-mem"} { // whatever this kernel says
		works, err := Attempt(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s works here: %v", name, works)
	}
	if _, err := Attempt("nothing"); err == nil {
		t.Error("what nobody knows was tried")
	}
	if works, err := writeMounted("/nothing is mounted here"); works || err == nil {
		t.Errorf("where nothing is mounted: %v, %v", works, err)
	}
}

// TestAttemptsAreKnown wants a way to try all that controls say is refused.
func TestAttemptsAreKnown(t *testing.T) {
	cs, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	unused := attempts()
	for _, c := range cs {
		for _, s := range c.Sets {
			if s.Kind != controls.Refused {
				continue
			}
			for _, name := range s.Names {
				if attempts()[name] == nil {
					t.Errorf("%s: nobody tries %s", c.ID, name)
				}
				delete(unused, name)
			}
		}
	}
	for name := range unused {
		t.Errorf("no control refuses %s", name)
	}
}

// TestModulesAreKnown wants a way to ask for each module of the controls but
// those that a device brings.
func TestModulesAreKnown(t *testing.T) {
	cs, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	byDevice := map[string]bool{"firewire-core": true, "usb-storage": true}
	for _, c := range cs {
		for _, s := range c.Sets {
			if s.Kind != controls.Module {
				continue
			}
			for _, name := range s.Names {
				_, a := fileSystems()[name]
				_, b := sockets()[name]
				if !a && !b && !byDevice[name] {
					t.Errorf("%s: nobody asks for %s", c.ID, name)
				}
			}
		}
	}
}
