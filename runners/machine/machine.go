// Package machine boots a disk image in QEMU and learns, without a login and
// without changing the disk, whether it reaches its target and does its work.
// A unit handed over as a systemd credential in the SMBIOS tables reports
// through a port of its own; such a unit exists for one boot only. The
// package refuses to write to the disk, to give the machine a way out to a
// network and to trust a KVM that was not seen to run.
package machine

import (
	"crypto/x509"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/bakelite/bakelite/runners/machine/qemu"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
)

const (
	// limitKVM and limitTCG are how long a boot may take. One through
	// firmware and dm-verity was measured at 60 seconds under TCG on a quiet
	// machine of 2 cores and 160 on a busy one.
	limitKVM = 2 * time.Minute
	limitTCG = 8 * time.Minute
	// defaultMemory is the app file's documented default for vm.memory.
	defaultMemory = 512 << 20
	// processors of the machine; QEMU's TCG runs each in a thread.
	processors = 2
)

// Options says what to boot; Disk and State must be set.
type Options struct {
	// Disk is the image's file, raw or qcow2; it is never written to.
	Disk string
	// App names the service, its ports, the memory and the declared tests.
	App app.App
	// State is a folder for the console's log and the firmware's variables.
	State string
	// Arch is "amd64" or "arm64", the architecture of this program by default.
	Arch string
	// Limit bounds the boot: by default 2 minutes under KVM and 8 without.
	// The time that command tests may take is added for their report.
	Limit time.Duration
	// Accelerator is "kvm" or "tcg"; "" and "auto" mean KVM where it was seen to
	// run a machine, else TCG.
	Accelerator string
	// SecureBoot is the certificate, of an RSA key of 2048 to 4096 bits, whose
	// signature the firmware asks of what it boots; nil boots anything.
	SecureBoot *x509.Certificate
	// Inspector looks at the booted machine, where Report is set; its answer is
	// Report.Controls. The zero value is none.
	Inspector Inspector
	// Values are the service's secrets and settings by name; one that is missing
	// keeps the service from starting.
	Values map[string][]byte
	// Environment is NAME=value, besides what the unit sets.
	Environment []string
	// Report hands the reporting unit over; Test sets it.
	Report bool

	// direct boots a kernel without firmware; tests of this package use it.
	direct *directKernel
}

// Inspector is a program that looks at a booted machine from a drive of its
// own, which is the root that it runs in: nothing of the machine has a part in
// it but its kernel and the first process.
type Inspector struct {
	// Program is one that needs no libraries.
	Program []byte
	// Order is the file that its only argument names. It prints one record
	// of the report, "controls".
	Order []byte
}

type directKernel struct{ kernel, initrd, append string }

// filled returns o with its defaults.
func (o Options) filled() Options {
	if o.Arch == "" {
		o.Arch = runtime.GOARCH
	}
	if o.App.VM.Memory <= 0 {
		o.App.VM.Memory = defaultMemory
	}
	return o
}

// wantedAccelerator is the accelerator that was asked for, or "".
func (o Options) wantedAccelerator() string {
	if o.Accelerator == "auto" {
		return ""
	}
	return o.Accelerator
}

// limit bounds the boot and its report.
func (o Options) limit(accel string) time.Duration {
	limit := o.bootLimit(accel)
	if !o.Report {
		return limit
	}
	for _, c := range o.commands(accel) {
		limit += c.within + c.attempt
	}
	return limit
}

func (o Options) bootLimit(accel string) time.Duration {
	switch {
	case o.Limit > 0:
		return o.Limit
	case accel == qemu.KVM:
		return limitKVM
	default:
		return limitTCG
	}
}

// qcow2Magic opens every qcow2 file (QEMU docs/interop/qcow2.txt).
const qcow2Magic = "QFI\xfb"

// diskFormat tells qcow2 from raw by its magic: QEMU's own guess would let a
// raw disk's guest choose the format.
func diskFormat(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fault.As(fault.Invalid, err)
	}
	defer f.Close()
	magic := make([]byte, len(qcow2Magic))
	if _, err := io.ReadFull(f, magic); err != nil {
		return "", fault.New(fault.Invalid, "%s is not a disk image: %w", filepath.Base(file), err)
	}
	if string(magic) == qcow2Magic {
		return "qcow2", nil
	}
	return "raw", nil
}
