package engine

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bakelite/bakelite/builders/daemon"
	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/fault"
)

func TestTwoOpensStartOneDaemon(t *testing.T) {
	needEngine(t)
	state := t.TempDir()
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() { open(t, state) })
	}
	group.Wait()
	if pids := processes(t, "confine"+"\x00--"); len(matching(t, pids, state)) != 1 {
		t.Errorf("found %d confined daemons, want 1", len(matching(t, pids, state)))
	}
	if err := daemon.Serve(t.Context(), daemon.ServeOptions{State: filepath.Join(state, "engine")}); fault.KindOf(err) != fault.Busy {
		t.Errorf("a second daemon got %v, want fault.Busy", err)
	}
}

func matching(t *testing.T, pids []string, text string) []string {
	t.Helper()
	var found []string
	for _, pid := range pids {
		line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		if strings.Contains(string(line), text) {
			found = append(found, pid)
		}
	}
	return found
}

func TestIdleDaemonEnds(t *testing.T) {
	needEngine(t)
	state := t.TempDir()
	e, err := Open(t.Context(), Options{State: state, Idle: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	k, _ := newSession(t, e, progress.Quiet)
	if got := run(t, k, "wait", "sleep 1; echo here > /out/text"); got != "here" {
		t.Errorf("a step longer than the idle time gave %q", got)
	}
	_ = e.Close()
	awaitNone(t, state)
}

// awaitNone waits until no process of a state folder runs.
func awaitNone(t *testing.T, state string) {
	t.Helper()
	for len(processes(t, state)) > 0 {
		select {
		case <-t.Context().Done():
			t.Fatalf("processes of %s still run: %v", state, processes(t, state))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestKilledEngineLeavesNothing(t *testing.T) {
	needEngine(t)
	for name, victim := range map[string]func(t *testing.T, state string) int{"daemon": daemonOf, "confine": confinerOf} {
		t.Run(name, func(t *testing.T) {
			state := sharedMount(t)
			e := open(t, state)
			k, _ := newSession(t, e, progress.Quiet)
			ended := make(chan error, 1)
			go func() {
				_, err := k.Solve(context.Background(), Job{Graph: graphOf(shell("sleep", "sleep 987654")), Dir: filepath.Join(state, "out")})
				ended <- err
			}()
			awaitStep(t, "sleep 987654")
			if len(stepCgroups(state)) == 0 {
				t.Errorf("the step of %s runs in no cgroup of its engine", state)
			}
			pid := victim(t, state)
			if pid <= 1 {
				t.Fatalf("victim has pid %d", pid)
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; fault.KindOf(err) != fault.Build || !strings.Contains(fault.HintOf(err), "same command again") ||
				!strings.Contains(err.Error(), "engine went away") {
				t.Errorf("the build got %v (hint %q)", err, fault.HintOf(err))
			}
			awaitNone(t, filepath.Join(state, "engine"))
			if left := lasting(t, "sleep\x00987654"); len(left) > 0 {
				t.Errorf("the step outlived its engine: %v", left)
			}
			mounts, _ := os.ReadFile("/proc/self/mountinfo")
			if strings.Contains(string(mounts), state+"/") {
				t.Errorf("mounts of %s are left", state)
			}
			e2 := open(t, state)
			k2, _ := newSession(t, e2, progress.Quiet)
			if got := run(t, k2, "again", "echo again > /out/text"); got != "again" {
				t.Errorf("the next engine gave %q", got)
			}
			if dirs := stepCgroups(state); len(dirs) > 0 {
				t.Errorf("cgroups are left: %v", dirs)
			}
		})
	}
}

// sharedMount returns a folder on a mount that passes new mounts below it on
// to every namespace, as systemd sets up for a whole machine.
func sharedMount(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	if err := syscall.Mount("", dir, "", syscall.MS_SHARED, ""); err != nil {
		t.Fatal(err)
	}
	return dir
}

// cgroupRoot is where the machine's cgroup hierarchies are mounted (cgroups(7)).
const cgroupRoot = "/sys/fs/cgroup"

// cgroupOf names the cgroup that holds the steps of a state folder's engine.
func cgroupOf(state string) string {
	sum := sha256.Sum256([]byte(filepath.Join(state, "engine")))
	return fmt.Sprintf("bakelite-%x", sum[:6])
}

func stepCgroups(state string) []string {
	parent := cgroupOf(state)
	one, _ := filepath.Glob(filepath.Join(cgroupRoot, parent, "buildkit", "*"))
	each, _ := filepath.Glob(filepath.Join(cgroupRoot, "*", parent, "buildkit", "*"))
	var dirs []string
	for _, path := range append(one, each...) {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			dirs = append(dirs, path)
		}
	}
	return dirs
}

// awaitStep waits until a step with this command line runs.
func awaitStep(t *testing.T, command string) {
	t.Helper()
	for len(processes(t, strings.ReplaceAll(command, " ", "\x00"))) == 0 {
		select {
		case <-t.Context().Done():
			t.Fatal("the step never ran")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestStop(t *testing.T) {
	needEngine(t)
	state := t.TempDir()
	if stopped, err := daemon.Stop(t.Context(), state); stopped || err != nil {
		t.Errorf("stopping nothing gave %v, %v", stopped, err)
	}
	k, _ := newSession(t, open(t, state), progress.Quiet)
	run(t, k, "echo", "echo 1 > /out/text")
	if stopped, err := daemon.Stop(t.Context(), state); !stopped || err != nil {
		t.Errorf("stopping gave %v, %v", stopped, err)
	}
	if left := lasting(t, filepath.Join(state, "engine")); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	for _, dir := range append(globAll("*", state), globAll("", state)...) {
		t.Errorf("cgroup %s is left", dir)
	}
	if log, err := os.ReadFile(filepath.Join(state, "engine", "log")); len(log) > 0 || err != nil {
		t.Errorf("the engine's log holds %q, %v", log, err)
	}
	open(t, state)
}

func globAll(under, state string) []string {
	found, _ := filepath.Glob(filepath.Join(cgroupRoot, under, cgroupOf(state)))
	return found
}

func TestPrune(t *testing.T) {
	needEngine(t)
	e := open(t, t.TempDir())
	k, _ := newSession(t, e, progress.Quiet)
	run(t, k, "fill", "dd if=/dev/zero of=/out/zeros bs=1M count=3; echo 1 > /out/text")
	freed, err := e.Prune(t.Context())
	if err != nil || freed < 3<<20 {
		t.Errorf("freed %d bytes, %v; want at least 3 MiB", freed, err)
	}
}

func TestLongStatePath(t *testing.T) {
	needEngine(t)
	state := filepath.Join(t.TempDir(), strings.Repeat("a long name ", 12), strings.Repeat("%zz", 20))
	k, _ := newSession(t, open(t, state), progress.Quiet)
	if got := run(t, k, "echo", "echo long > /out/text"); got != "long" {
		t.Errorf("got %q", got)
	}
	if stopped, err := daemon.Stop(t.Context(), state); !stopped || err != nil {
		t.Errorf("stopping gave %v, %v", stopped, err)
	}
}

func TestAddress(t *testing.T) {
	needEngine(t)
	state := t.TempDir()
	_, err := Open(t.Context(), Options{Address: "unix://" + filepath.Join(state, "nobody"), State: state})
	if fault.KindOf(err) != fault.Network || fault.HintOf(err) == "" {
		t.Errorf("got %v (hint %q), want fault.Network with a hint", err, fault.HintOf(err))
	}
	open(t, state)
	address := "unix://" + filepath.Join(state, "engine", "sock")
	e, err := Open(t.Context(), Options{Address: address, State: t.TempDir()})
	if err != nil || e.Origin != address {
		t.Fatalf("got %v, %v", e, err)
	}
	defer e.Close()
	k, _ := newSession(t, e, progress.Quiet)
	if got := run(t, k, "echo", "echo there > /out/text"); got != "there" {
		t.Errorf("got %q", got)
	}
}

func TestRunningDaemonIsFound(t *testing.T) {
	needEngine(t)
	state, runtime := t.TempDir(), t.TempDir()
	open(t, state)
	t.Setenv("XDG_RUNTIME_DIR", runtime)
	if err := os.Mkdir(filepath.Join(runtime, "buildkit"), 0o700); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(runtime, "buildkit/buildkitd.sock")
	if err := os.Symlink(filepath.Join(state, "engine", "sock"), socket); err != nil {
		t.Fatal(err)
	}
	e, err := Open(t.Context(), Options{State: filepath.Join(state, "unused")})
	if err != nil || e.Origin != "unix://"+socket {
		t.Fatalf("got %+v, %v, want the one on %s", e, err, socket)
	}
	defer e.Close()
	if _, err := os.Stat(filepath.Join(state, "unused")); err == nil {
		t.Error("an own engine was started beside the running one")
	}
}

func TestStepsHaveNoNetwork(t *testing.T) {
	needEngine(t)
	k, _ := newSession(t, open(t, t.TempDir()), progress.Quiet)
	got := run(t, k, "look", "ls /sys/class/net > /out/text; wget -T 5 -O - http://1.1.1.1/ && echo reached >> /out/text; true")
	if got != "lo" {
		t.Errorf("a step sees or reaches %q, want lo alone", got)
	}
}

func TestSecretsStayWithTheCommand(t *testing.T) {
	needEngine(t)
	t.Setenv("BAKELITE_SECRET", "correct-horse")
	t.Setenv("COSIGN_PASSWORD", "correct-horse")
	state := t.TempDir()
	open(t, state)
	for _, pid := range []int{daemonOf(t, state), confinerOf(t, state)} {
		for _, file := range []string{"environ", "cmdline"} {
			text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
			if err != nil || len(text) == 0 {
				t.Fatalf("reading %s of %d: %v", file, pid, err)
			}
			if contains(text, "correct-horse") {
				t.Errorf("%s of the engine holds a secret", file)
			}
		}
	}
}
