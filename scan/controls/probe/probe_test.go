package probe

import (
	"errors"
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
