package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/program"
	"github.com/bakelite/bakelite/runners/machine/qemu"
)

// versionTime bounds a program that is asked for its version.
const versionTime = 10 * time.Second

func runc(ctx context.Context, _ Options) finding { return asked(ctx, "runc", "--version") }

// asked finds a program and lets it run: one that is there may still lack a
// library.
func asked(ctx context.Context, name, argument string) finding {
	file, err := program.Find(name, "")
	if err != nil {
		return missing(err.Error(), "")
	}
	result, err := program.Run(ctx, program.Command{Path: file, Args: []string{argument}, Timeout: versionTime})
	if err != nil {
		return missing(err.Error(), "")
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(result.Stdout)), "\n")
	return ok(line)
}

func emulator(ctx context.Context, o Options) finding {
	file, err := qemu.Program(o.Arch)
	if fault.KindOf(err) == fault.Invalid {
		return missing(err.Error(), "use a machine with amd64 or arm64")
	}
	if err != nil {
		return missing(err.Error(), "")
	}
	result, err := program.Run(ctx, program.Command{Path: file, Args: []string{"--version"}, Timeout: versionTime})
	if err != nil {
		return missing(err.Error(), "")
	}
	line, _, _ := strings.Cut(string(result.Stdout), "\n")
	return ok(line)
}

func scanner(ctx context.Context, o Options) finding {
	found, err := o.Scanner(ctx)
	if err != nil {
		return warn(err.Error(), "put bakelite-scan beside bakelite; without it nothing is published")
	}
	return ok(found)
}

func uefi(_ context.Context, o Options) finding {
	file, err := qemu.Firmware(o.Arch)
	if err != nil {
		return missing(err.Error(), "")
	}
	return ok(file)
}

func kvm(ctx context.Context, o Options) finding {
	dir, err := scratch(o)
	if err != nil {
		return warn(err.Error(), "see: state folder")
	}
	defer os.RemoveAll(dir)
	err = qemu.ProveKVM(ctx, dir)
	switch {
	case err == nil:
		return ok("runs a machine")
	case errors.Is(err, fs.ErrPermission):
		return warn("/dev/kvm may not be opened", `sudo usermod -aG kvm "$USER", then log in again`)
	case errors.Is(err, fs.ErrNotExist):
		return warn("there is no /dev/kvm", "turn virtualization on in this machine's firmware, or nested virtualization in its host")
	case fault.KindOf(err) == fault.Missing:
		return warn("not tried without QEMU", "see: qemu")
	}
	return warn("/dev/kvm opens, but no machine runs under it", "turn nested virtualization on in this machine's host")
}

func engine(ctx context.Context, o Options) finding {
	origin, err := o.Engine(ctx)
	if err == nil {
		return ok(origin)
	}
	mend := fault.HintOf(err)
	if mend == "" {
		mend = "mend what is missing above, or name a running BuildKit with --engine"
	}
	return missing(err.Error(), mend)
}
