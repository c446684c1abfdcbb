package engine

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/daemon"
	"github.com/bakelite/bakelite/builders/stepnet"
	"github.com/bakelite/bakelite/internal/fault"
)

// TestMain lets the test's own program be the daemon, as cmd/bakelite does.
func TestMain(m *testing.M) {
	if len(os.Args) < 3 || os.Args[1] != "engine" {
		os.Exit(m.Run())
	}
	var err error
	code := 0
	switch os.Args[2] {
	case "confine":
		code, err = daemon.Confine(os.Args[4:])
	case "serve":
		err = serveMain(os.Args[3:])
	case "stop":
		var stopped bool
		if stopped, err = daemon.Stop(context.Background(), os.Args[3]); err == nil {
			fmt.Println(stopped)
		}
	case "probe":
		err = probe(os.Args[3])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = fault.ExitCode(err)
	}
	os.Exit(code)
}

func serveMain(args []string) error {
	var o daemon.ServeOptions
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	flags.StringVar(&o.State, "folder", "", "")
	flags.DurationVar(&o.Idle, "for", 0, "")
	flags.BoolVar(&o.Rootless, "rootless", false, "")
	named := flags.String("networks", "", "")
	proxies := flags.Bool("proxies-on-stdin", false, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if o.Networks, err = stepnet.ParseNetworks(*named); err != nil {
		return err
	}
	if *proxies {
		o.Proxies = os.Stdin
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return daemon.Serve(ctx, o)
}

// needEngine skips where no own engine can run: it takes root and runc.
func needEngine(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real engines")
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root; TestRootless covers ordinary users")
	}
	t.Setenv("DOCKER_HOST", "unix:///nowhere")
	t.Setenv("XDG_RUNTIME_DIR", "")
}

// open starts an engine on a state folder and stops it with the test.
func open(t *testing.T, state string) *Engine {
	t.Helper()
	return openWith(t, Options{State: state, Idle: time.Minute})
}

func openWith(t *testing.T, o Options) *Engine {
	t.Helper()
	e, err := Open(t.Context(), o)
	if err != nil {
		t.Fatalf("opening engine: %v", err)
	}
	t.Cleanup(func() {
		_ = e.Close()
		if _, err := daemon.Stop(context.Background(), o.State); err != nil {
			t.Errorf("stopping engine: %v", err)
		}
	})
	return e
}

// lasting lists the processes that are still there after the time that the
// kernel may take to end those of a namespace whose first one was killed.
func lasting(t *testing.T, text string) []string {
	t.Helper()
	for range 200 {
		if len(processes(t, text)) == 0 {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return processes(t, text)
}

// processes returns the pids whose command line holds text, but for this one.
func processes(t *testing.T, text string) []string {
	t.Helper()
	var found []string
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		line, _ := os.ReadFile(path)
		if contains(line, text) && filepath.Base(filepath.Dir(path)) != fmt.Sprint(os.Getpid()) {
			found = append(found, filepath.Base(filepath.Dir(path)))
		}
	}
	return found
}

// daemonOf returns the process of a state folder's daemon, 0 where there is
// none.
func daemonOf(t *testing.T, state string) int {
	t.Helper()
	for _, pid := range processes(t, "--folder\x00"+filepath.Join(state, "engine")) {
		line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		if words := strings.Split(string(line), "\x00"); words[1] == "engine" && words[2] == "serve" {
			found, _ := strconv.Atoi(pid)
			return found
		}
	}
	return 0
}

// confinerOf returns the process that was started to confine it, which leads
// its session, 0 where there is none.
func confinerOf(t *testing.T, state string) int {
	t.Helper()
	leader, err := unix.Getsid(daemonOf(t, state))
	if err != nil {
		return 0
	}
	return leader
}
