package qemu

import (
	"context"
	"fmt"
	"os"
	"runtime"
)

// Program returns the program that boots disks of an architecture, "amd64" or
// "arm64"; another architecture is a fault.Invalid, a missing program a
// fault.Missing error.
func Program(arch string) (string, error) {
	p, err := PlatformOf(arch)
	if err != nil {
		return "", err
	}
	return p.Find()
}

// Firmware returns the UEFI firmware that disks of an architecture boot
// through, with the errors of Program.
func Firmware(arch string) (string, error) {
	p, err := PlatformOf(arch)
	if err != nil {
		return "", err
	}
	f, err := p.findFirmware()
	return f.code, err
}

// ProveKVM returns nil where QEMU was seen to run a few instructions of this
// machine's architecture under KVM, else why not. State is a folder for a
// file of 64 KiB that is removed again.
func ProveKVM(ctx context.Context, state string) error {
	p, err := PlatformOf(runtime.GOARCH)
	if err != nil {
		return err
	}
	kvm, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("opening KVM: %w", err)
	}
	kvm.Close()
	qemu, err := p.Find()
	if err != nil {
		return err
	}
	return p.proves(ctx, qemu, state, KVM)
}
