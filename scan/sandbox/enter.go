package sandbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/scan/protocol"
)

// maxOrder bounds the order, in bytes: a request is a few paths.
const maxOrder = 4 << 20

// Enter reads the order from r, shuts this process in, and returns the
// request with the paths that it sees now. Nothing that it gives up comes
// back.
func Enter(r io.Reader) (protocol.Request, protocol.Confined, error) {
	text, err := limit.ReadAll(r, maxOrder, "the order")
	if err != nil {
		return protocol.Request{}, protocol.Confined{}, err
	}
	var o order
	if err := protocol.Decode(text, &o); err != nil {
		return protocol.Request{}, protocol.Confined{}, err
	}
	o.Request.Process = Filled(o.Request.Process)
	req := o.Request
	if o.Namespaces {
		if o.Namespaces, err = private(req.Process); err != nil {
			return protocol.Request{}, protocol.Confined{}, err
		}
	}
	if o.Namespaces {
		if err := ownRoot(req); err != nil {
			return protocol.Request{}, protocol.Confined{}, fmt.Errorf("making a root: %w", err)
		}
		req = Inside(req)
	}
	if err := giveUp(o.User, req.Process); err != nil {
		return protocol.Request{}, protocol.Confined{}, err
	}
	confined := protocol.Confined{Namespaces: o.Namespaces, UID: unix.Getuid(), Filter: true}
	if err := filter(); err != nil {
		if confined.Filter = false; !req.Process.Exposed {
			return protocol.Request{}, protocol.Confined{}, err
		}
	}
	return req, confined, nil
}

// private keeps the machine from seeing this process's mounts; ok is false
// where the kernel refuses that and the process may stay exposed. AppArmor
// lets users make namespaces that are good for nothing.
func private(p protocol.Process) (ok bool, err error) {
	err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil || p.Exposed {
		return err == nil, nil
	}
	return false, cannot(fmt.Errorf("making mounts private: %w", err))
}

// base is a folder of every Linux machine that no request points into; the
// new root is put there before it takes the place of the old one.
const base = "/sys"

// ownRoot shows this process the request's paths and nothing else.
func ownRoot(req protocol.Request) error {
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("tmpfs", base, "tmpfs", flags, "mode=0755,size=1M"); err != nil {
		return fmt.Errorf("mounting root: %w", err)
	}
	for _, p := range places(req) {
		if err := show(p); err != nil && !(p.optional && errors.Is(err, fs.ErrNotExist)) {
			return fmt.Errorf("showing %s: %w", p.from, err)
		}
	}
	tmp := filepath.Join(base, scratchAt)
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", tmp, "tmpfs", flags, fmt.Sprintf("mode=1777,size=%d", req.Process.Scratch)); err != nil {
		return fmt.Errorf("mounting scratch space: %w", err)
	}
	return turn()
}

// turn makes base the root and lets go of the old one.
func turn() error {
	if err := os.Chdir(base); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("changing root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("letting go of the old root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	return seal("/", 0)
}

// show binds one path into the new root.
func show(p place) error {
	info, err := os.Stat(p.from)
	if err != nil {
		return err
	}
	at := filepath.Join(base, p.to)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	if info.IsDir() {
		err = os.Mkdir(at, 0o755)
	} else {
		err = os.WriteFile(at, nil, 0o644)
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(p.from, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("binding: %w", err)
	}
	return seal(at, unix.AT_RECURSIVE)
}

// inert keeps devices, set-uid files and programs from working.
const inert = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC

func seal(at string, flags uint) error {
	attr := &unix.MountAttr{Attr_set: inert | unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, at, flags, attr); err != nil {
		return fmt.Errorf("making read-only: %w", err)
	}
	return nil
}

// giveUp lets go of all privileges and bounds what is left, in every thread.
func giveUp(uid int, p protocol.Process) error {
	if err := bound(p); err != nil {
		return err
	}
	if unix.Geteuid() == 0 {
		if err := become(uid); err != nil {
			return fmt.Errorf("becoming user %d: %w", uid, err)
		}
	}
	// Linux capability version 3 (capget(2)): two sets of three words, all
	// zero.
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if _, _, e := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none[0])), 0); e != 0 {
		return fault.Hint(fault.As(fault.Internal, fmt.Errorf("giving up capabilities: %w", e)), "use a program that was built with CGO_ENABLED=0, as make build does")
	}
	for _, option := range []uintptr{unix.PR_SET_NO_NEW_PRIVS, unix.PR_SET_DUMPABLE} {
		value := uintptr(1)
		if option == unix.PR_SET_DUMPABLE {
			value = 0
		}
		if _, _, e := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, option, value, 0, 0, 0, 0); e != 0 {
			return fmt.Errorf("giving up privileges: %w", e)
		}
	}
	return nil
}

func become(uid int) error {
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setresgid(uid, uid, uid); err != nil {
		return err
	}
	return syscall.Setresuid(uid, uid, uid)
}

// bound sets the process's limits. RLIMIT_DATA counts private writable
// memory, which the heap is; the address space is far larger, as Go reserves
// it and the database is mapped.
func bound(p protocol.Process) error {
	limits := []struct {
		name     string
		resource int
		value    uint64
	}{
		{"core", unix.RLIMIT_CORE, 0},
		{"data", unix.RLIMIT_DATA, uint64(p.Memory)},
		{"cpu", unix.RLIMIT_CPU, uint64(p.CPU.Seconds()) + 1},
		{"file size", unix.RLIMIT_FSIZE, uint64(p.Scratch)},
		{"open files", unix.RLIMIT_NOFILE, openFiles},
	}
	for _, l := range limits {
		if err := syscall.Setrlimit(l.resource, &syscall.Rlimit{Cur: l.value, Max: l.value}); err != nil {
			return fmt.Errorf("limiting %s: %w", l.name, err)
		}
	}
	// The collector works harder from three quarters on.
	debug.SetMemoryLimit(p.Memory / 4 * 3)
	return nil
}
