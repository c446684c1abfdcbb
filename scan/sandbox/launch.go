package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/protocol"
)

// innerName is the name that the shut-in process is started under.
const innerName = "bakelite: shut in"

// IsInner says whether this process is the shut-in one.
func IsInner() bool { return len(os.Args) == 1 && os.Args[0] == innerName }

// order is what the outer process tells the inner one.
type order struct {
	Request protocol.Request `json:"request"`
	// User is whom to become.
	User int `json:"user"`
	// Namespaces says that the process stands in its own.
	Namespaces bool `json:"namespaces"`
}

// Launch starts this program anew in namespaces of its own, hands it the
// request, passes its answer on to out, and returns when it has ended.
func Launch(ctx context.Context, req protocol.Request, out, words io.Writer) error {
	if err := closeOnExec(); err != nil {
		return err
	}
	o := order{Request: req, User: user(req), Namespaces: true}
	err := start(ctx, o, out, words)
	if !refused(err) {
		return err
	}
	if !req.Process.Exposed {
		return cannot(err)
	}
	o.Namespaces, o.User = false, unix.Geteuid()
	return start(ctx, o, out, words)
}

// cannot says what to do where the kernel makes no namespaces for us.
func cannot(err error) error {
	err = fault.As(fault.Missing, fmt.Errorf("shutting the scanner in: %w", err))
	return fault.Hint(err, "let this user make user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu), or run as root")
}

// closeOnExec keeps what this process inherited from the next one.
func closeOnExec() error {
	if err := unix.CloseRange(3, ^uint(0)>>33, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("closing inherited files: %w", err)
	}
	return nil
}

// refused says that the kernel makes no namespaces for us.
func refused(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS)
}

func start(ctx context.Context, o order, out, words io.Writer) error {
	text, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("writing order: %w", err)
	}
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = []string{innerName}
	cmd.Env = []string{"LANG=C.UTF-8", "TMPDIR=" + os.TempDir()}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), out, words
	cmd.SysProcAttr = attributes(o)
	return cmd.Run()
}

func attributes(o order) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if !o.Namespaces {
		return a
	}
	a.Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
	if uid, gid := unix.Geteuid(), unix.Getegid(); uid != 0 {
		a.Cloneflags |= unix.CLONE_NEWUSER
		// The right to mount outlives the start of the program; Enter drops it.
		a.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN}
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	}
	return a
}
