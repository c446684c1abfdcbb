package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/moby/buildkit/client"
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
)

const socketName = "sock"

// withSocket calls use with a path of the folder's socket that is short
// enough for a socket address (108 bytes, unix(7)), however long the folder's
// own path is.
func withSocket(state string, use func(path string) error) error {
	fd, err := unix.Open(state, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: state, Err: err}
	}
	defer unix.Close(fd)
	return use(fmt.Sprintf("/proc/self/fd/%d/%s", fd, socketName))
}

func connect(ctx context.Context, state string) (conn *net.UnixConn, err error) {
	err = withSocket(state, func(path string) error {
		c, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err == nil {
			conn = c.(*net.UnixConn)
		}
		return err
	})
	return conn, err
}

// dialOwn connects to the daemon of an engine's folder.
func dialOwn(ctx context.Context, state string) (*client.Client, error) {
	probe, err := connect(ctx, state)
	if err != nil {
		return nil, err
	}
	_ = probe.Close()
	return Dial(ctx, "unix:///bakelite", client.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return connect(ctx, state)
	}))
}

// dialTimeout bounds the first answer of an engine.
const dialTimeout = 5 * time.Second

// Dial connects to a BuildKit and waits for its first answer.
func Dial(ctx context.Context, address string, opts ...client.ClientOpt) (*client.Client, error) {
	c, err := client.New(ctx, address, opts...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if _, err := c.ListWorkers(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func listen(state string) (listener *net.UnixListener, err error) {
	// The lock is ours, so a socket that is there belongs to a dead daemon.
	if err := os.Remove(filepath.Join(state, socketName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing stale socket: %w", err)
	}
	old := unix.Umask(0o177)
	defer unix.Umask(old)
	err = withSocket(state, func(path string) error {
		listener, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	listener.SetUnlinkOnClose(false) // the path ends with this function
	return listener, nil
}

// listenerPID returns the process that listens on the folder's socket, as
// the kernel names it in this process's PID namespace; 0 where nobody does.
func listenerPID(ctx context.Context, state string) int {
	conn, err := connect(ctx, state)
	if err != nil {
		return 0
	}
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0
	}
	var pid int
	_ = raw.Control(func(fd uintptr) {
		if peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(peer.Pid)
		}
	})
	return pid
}

// acquire makes this process the one daemon of a folder, until release.
func acquire(state string) (release func(), err error) {
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, fmt.Errorf("making state folder: %w", err)
	}
	f, err := openLock(state)
	if err != nil {
		return nil, fmt.Errorf("opening engine lock: %w", err)
	}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, wholeFile()); err != nil {
		_ = f.Close()
		return nil, fault.Hint(fault.New(fault.Busy, "another engine holds %s", state), "run: bakelite engine stop")
	}
	return func() { _ = f.Close() }, nil
}

// isFree says whether no daemon holds the folder. It takes no lock itself,
// not even for a moment: a daemon that starts then would see it.
func isFree(state string) bool {
	f, err := openLock(state)
	if err != nil {
		return true
	}
	defer f.Close()
	lock := wholeFile()
	err = unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, lock)
	return err == nil && lock.Type == unix.F_UNLCK
}

func openLock(state string) (*os.File, error) {
	return os.OpenFile(filepath.Join(state, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
}

func wholeFile() *unix.Flock_t { return &unix.Flock_t{Type: unix.F_WRLCK} }
