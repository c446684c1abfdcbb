package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
	"github.com/moby/buildkit/client"
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer" // docker-container:// addresses
	_ "github.com/moby/buildkit/client/connhelper/kubepod"         // kube-pod:// addresses
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer" // podman-container:// addresses
	_ "github.com/moby/buildkit/client/connhelper/ssh"             // ssh:// addresses
	"github.com/sirupsen/logrus"

	"github.com/bakelite/bakelite/internal/fault"
)

// Options says which engine to use.
type Options struct {
	// Address of a BuildKit that the user runs; "" finds or starts one.
	Address string
	// State is Bakelite's state folder; the own engine lives below it.
	State string
	// Idle is how long an own engine outlives its last command.
	Idle time.Duration
}

// Engine is a BuildKit that answers.
type Engine struct {
	client *client.Client
	// Origin says where the engine came from, for people.
	Origin string
}

// Open returns an engine: the one at the address given, else one that runs
// on this machine, else the own one, started where it does not run yet.
func Open(ctx context.Context, o Options) (*Engine, error) {
	logrus.SetLevel(logrus.ErrorLevel) // BuildKit's libraries warn on the global logger
	if o.Address != "" {
		c, err := dial(ctx, o.Address)
		if err != nil {
			return nil, fault.Hint(fault.New(fault.Network, "connecting to engine %s: %w", o.Address, err),
				"check that BuildKit listens there, or leave engine.address empty to let Bakelite start its own")
		}
		return &Engine{client: c, Origin: o.Address}, nil
	}
	for _, address := range wellKnown() {
		if c, err := dial(ctx, address); err == nil {
			return &Engine{client: c, Origin: address}, nil
		}
	}
	return own(ctx, o)
}

// Close ends the connection; the engine goes on until its idle time.
func (e *Engine) Close() error { return e.client.Close() }

// wellKnown lists the sockets where a daemon of this machine may listen.
func wellKnown() []string {
	paths := []string{"/run/buildkit/buildkitd.sock"}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		paths = append(paths, filepath.Join(dir, "buildkit/buildkitd.sock"))
	}
	var found []string
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
			found = append(found, "unix://"+path)
		}
	}
	return found
}

// dialTimeout bounds the first answer of an engine.
const dialTimeout = 5 * time.Second

func dial(ctx context.Context, address string) (*client.Client, error) {
	c, err := client.New(ctx, address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if _, err := c.Info(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// startTimeout bounds the start of an own engine; 0.5 s is usual.
const startTimeout = 60 * time.Second

func own(ctx context.Context, o Options) (*Engine, error) {
	state := filepath.Join(o.State, "engine")
	address := "unix://" + socketPath(state)
	if c, err := dialIfPresent(ctx, state); err == nil {
		return &Engine{client: c, Origin: "own"}, nil
	}
	if _, err := exec.LookPath("runc"); err != nil {
		return nil, fault.Hint(fault.New(fault.Missing, "no BuildKit answers and runc, which an own engine needs, is not installed"),
			"run: sudo apt-get install runc")
	}
	daemon, err := spawn(state, o.Idle)
	if err != nil {
		return nil, fmt.Errorf("starting engine: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	deadline := time.After(startTimeout)
	for {
		if c, err := dialIfPresent(ctx, state); err == nil {
			if ended != nil {
				err = notePID(state, daemon.Process.Pid)
			}
			return &Engine{client: c, Origin: "own"}, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case err := <-ended:
			if exit := (&exec.ExitError{}); errors.As(err, &exit) && exit.ExitCode() == fault.ExitCode(fault.New(fault.Busy, "")) {
				ended = nil // another command started one: wait for its socket
				continue
			}
			return nil, startError(state, address, err)
		case <-deadline:
			return nil, startError(state, address, errors.New("no answer"))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// notePID writes down the process that Stop ends.
func notePID(state string, pid int) error {
	return renameio.WriteFile(filepath.Join(state, "pid"), []byte(strconv.Itoa(pid)+"\n"), 0o600)
}

func dialIfPresent(ctx context.Context, state string) (*client.Client, error) {
	conn, err := net.DialTimeout("unix", socketPath(state), dialTimeout)
	if err != nil {
		return nil, err
	}
	_ = conn.Close()
	return dial(ctx, "unix://"+socketPath(state))
}

func startError(state, address string, err error) error {
	log, _ := tail(filepath.Join(state, "log"))
	return fault.Hint(fault.New(fault.Missing, "the engine at %s did not start: %w\n%s", address, err, log),
		"run: bakelite doctor")
}

// spawn starts the daemon from this same program, in PID and mount namespaces
// of its own, detached from the command that starts it.
func spawn(state string, idle time.Duration) (*exec.Cmd, error) {
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(state, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{"engine", "serve", "--folder", state, "--for", idle.String()}
	daemon := exec.Command(self, append([]string{"engine", "confine", "--", self}, args...)...)
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		kit, err := exec.LookPath("rootlesskit")
		if err != nil {
			return nil, fault.Hint(fault.New(fault.Missing, "an own engine for an ordinary user needs rootlesskit"),
				"run: sudo apt-get install rootlesskit uidmap, or run bakelite as root")
		}
		rootless := []string{"--net=host", "--pidns", "--copy-up=/etc", "--copy-up=/run", "--state-dir", filepath.Join(state, "rootlesskit"), self}
		daemon = exec.Command(kit, append(append(rootless, args...), "--rootless")...)
		daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	}
	daemon.Env = daemonEnv()
	daemon.Stdout, daemon.Stderr = log, log
	if err := daemon.Start(); err != nil {
		return nil, err
	}
	return daemon, nil
}

// daemonEnv passes on what the daemon needs to reach the network and to find
// programs, and nothing that could hold a key.
func daemonEnv() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "USER", "TMPDIR", "XDG_RUNTIME_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
		"http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// maxSocketPath is what fits into a sockaddr_un with its closing zero.
const maxSocketPath = 107

// socketPath returns the socket of the engine on a state folder; a path too
// long for a socket is replaced by one made from its digest.
func socketPath(state string) string {
	path := filepath.Join(state, "sock")
	if len(path) <= maxSocketPath {
		return path
	}
	sum := sha256.Sum256([]byte(path))
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "bakelite-"+strconv.Itoa(os.Getuid()))
	}
	return filepath.Join(dir, "bakelite-"+hex.EncodeToString(sum[:8]), "sock")
}

// maxLogTail is how much of a daemon's log an error shows, in bytes.
const maxLogTail = 2 << 10

func tail(path string) (string, error) {
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
