package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/moby/buildkit/client"
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/stepnet"
	"github.com/bakelite/bakelite/internal/fault"
)

// startTimeout bounds the start of an own engine; 0.5 s is usual.
const startTimeout = 60 * time.Second

// pollInterval is the time between two looks for a starting or ending engine.
const pollInterval = 20 * time.Millisecond

// engineFolder returns where the own engine of a state folder lives.
func engineFolder(state string) (string, error) {
	state, err := filepath.Abs(state)
	return filepath.Join(state, "engine"), err
}

// Options says which daemon to connect to, and how one is started.
type Options struct {
	// State is Bakelite's state folder; the daemon lives below it.
	State string
	// Idle is how long a daemon outlives its last command.
	Idle time.Duration
	// Networks are what steps reach besides public addresses.
	Networks []netip.Prefix
}

// Connect connects to the daemon of a state folder and starts it where nobody
// else has done so. Another one that is just ending is waited for. A program
// that it lacks is fault.Missing.
func Connect(ctx context.Context, o Options) (*client.Client, error) {
	state, err := engineFolder(o.State)
	if err != nil {
		return nil, fmt.Errorf("finding state folder: %w", err)
	}
	deadline := time.After(startTimeout)
	var ended <-chan error
	var lock *os.File
	defer func() { lock.Close() }() // of nil it is an error and no harm
	for {
		if c, err := dialOwn(ctx, state); err == nil {
			return c, nil
		}
		if lock == nil {
			if lock, err = startLock(state); err != nil {
				return nil, fmt.Errorf("starting engine: %w", err)
			}
		}
		if lock != nil && ended == nil && isFree(state) {
			if ended, err = spawn(state, o); err != nil {
				return nil, fmt.Errorf("starting engine: %w", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil, fault.As(fault.Cancelled, fmt.Errorf("starting engine: %w", ctx.Err()))
		case err := <-ended:
			if ended = nil; !lostRace(err) {
				return nil, startError(state, err)
			}
		case <-deadline:
			return nil, startError(state, fmt.Errorf("no answer within %s", startTimeout))
		case <-time.After(pollInterval):
		}
	}
}

// startLock returns the lock of who may start a daemon, until it is closed, or
// nil while another has it. Without it rootlesskit, which has a lock of its
// own on the folder, would end all daemons but one with an error.
func startLock(state string) (*os.File, error) {
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, fmt.Errorf("making state folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(state, "turn"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, wholeFile())
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return nil, nil
	}
	return nil, err
}

// lostRace says whether a daemon ended because another held the folder.
func lostRace(err error) bool {
	exit := (*exec.ExitError)(nil)
	return errors.As(err, &exit) && exit.ExitCode() == fault.ExitCode(fault.New(fault.Busy, ""))
}

func startError(state string, err error) error {
	if err == nil {
		err = errors.New("it ended at once")
	}
	log, _ := logTail(filepath.Join(state, logName))
	return fault.Hint(fault.New(fault.Missing, "the engine on %s did not start: %w\n%s", state, err, log),
		"run: bakelite doctor")
}

// spawn starts the daemon from this same program, detached from the command
// that starts it, and reports its end.
func spawn(state string, o Options) (<-chan error, error) {
	if _, err := exec.LookPath("runc"); err != nil {
		return nil, fault.Hint(fault.New(fault.Missing, "no BuildKit answers and runc, which an own engine needs, is not installed"),
			"run: sudo apt-get install runc")
	}
	log, err := openLog(state)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	start := confined
	if os.Geteuid() != 0 {
		start = rootless
	}
	daemon, err := start(state, self, []string{"engine", "serve", "--folder", state, "--for", o.Idle.String(), "--networks", stepnet.FormatNetworks(o.Networks), "--proxies-on-stdin"})
	if err != nil {
		return nil, err
	}
	if daemon.Stdin, err = secretProxies(os.LookupEnv); err != nil {
		return nil, err
	}
	daemon.Stdout, daemon.Stderr = log, log
	if err := daemon.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	return ended, nil
}

// confined runs the daemon in PID and mount namespaces of its own.
func confined(_, self string, serve []string) (*exec.Cmd, error) {
	daemon := exec.Command(self, append([]string{"engine", "confine", "--", self}, serve...)...)
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	daemon.Env = daemonEnv(os.LookupEnv)
	return daemon, nil
}

// daemonEnv passes on what the daemon needs to reach the network and to find
// programs; keys and tokens of the command's environment stay with it, and
// passwords of proxies come by secretProxies: others can read an environment.
// Steps do not see the daemon's.
func daemonEnv(lookup func(string) (string, bool)) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "USER", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if value, ok := lookup(name); ok {
			env = append(env, name+"="+value)
		}
	}
	for _, name := range proxyNames {
		if value, ok := lookup(name); ok {
			env = append(env, name+"="+withoutUser(value))
		}
	}
	return env
}

const logName = "log"

// maxLog is the size in bytes from which the log begins anew at a start, and
// maxLogTail is how much of it an error shows.
const (
	maxLog     = 1 << 20
	maxLogTail = 2 << 10
)

func openLog(state string) (*os.File, error) {
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, fmt.Errorf("making state folder: %w", err)
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	path := filepath.Join(state, logName)
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		flags |= os.O_TRUNC
	}
	return os.OpenFile(path, flags, 0o600)
}

func logTail(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxLogTail {
		_, _ = f.Seek(-maxLogTail, io.SeekEnd)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxLogTail))
	return strings.TrimSpace(string(text)), err
}
