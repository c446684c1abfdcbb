package program_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/program"
)

func shell(script string) program.Command {
	return program.Command{Path: "/bin/sh", Args: []string{"-c", script}}
}

func TestRunReportsExitAndStreams(t *testing.T) {
	tests := []struct {
		name, script, stdout, stderr string
		exit                         int
	}{
		{"success", "echo out; echo err >&2", "out\n", "err\n", 0},
		{"failure", "echo why >&2; exit 7", "", "why\n", 7},
		{"signal", "kill -9 $$", "", "", 137},
		{"empty input", "cat", "", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := program.Run(t.Context(), shell(tt.script))
			if code, ok := program.Exited(err); !ok || code != tt.exit || got.Exit != tt.exit {
				t.Errorf("exit %d, error %v, want %d", got.Exit, err, tt.exit)
			}
			if string(got.Stdout) != tt.stdout || string(got.Stderr) != tt.stderr {
				t.Errorf("streams %q, %q", got.Stdout, got.Stderr)
			}
		})
	}
}

func TestEnvironmentIsClean(t *testing.T) {
	t.Setenv("BAKELITE_SECRET", "key")
	c := shell("env")
	c.Env = []string{"GIVEN=yes"}
	got, err := program.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(got.Stdout), "BAKELITE_SECRET") || !strings.Contains(string(got.Stdout), "GIVEN=yes") {
		t.Errorf("environment:\n%s", got.Stdout)
	}
}

func TestOutputIsBounded(t *testing.T) {
	c := shell("head -c 100000 /dev/zero; echo end")
	c.Limit = 1000
	var live bytes.Buffer
	c.Stdout = &live
	got, err := program.Run(t.Context(), c)
	if err != nil || len(got.Stdout) != 1000 || !got.Truncated || !bytes.HasSuffix(got.Stdout, []byte("end\n")) {
		t.Errorf("kept %d bytes, truncated %v, error %v", len(got.Stdout), got.Truncated, err)
	}
	if live.Len() != 100004 {
		t.Errorf("live writer saw %d bytes", live.Len())
	}
}

// TestContextKillsTheGroup starts a grandchild and proves that it is gone.
func TestContextKillsTheGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p, err := program.Start(ctx, shell("sleep 1000 & echo $! > "+file+".new; mv "+file+".new "+file+"; wait"))
	if err != nil {
		t.Fatal(err)
	}
	pid := readPID(t, file)
	cancel()
	if _, err := p.Wait(); !errors.Is(err, context.Canceled) || fault.KindOf(err) != fault.Cancelled {
		t.Errorf("error %v", err)
	}
	waitGone(t, pid)
}

// TestLeaderEndSweepsTheGroup has the leader exit while a child stays.
func TestLeaderEndSweepsTheGroup(t *testing.T) {
	got, err := program.Run(t.Context(), shell("sleep 1000 >/dev/null 2>&1 & echo $!"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(got.Stdout)))
	if err != nil {
		t.Fatal(err)
	}
	waitGone(t, pid)
}

// TestDeathOfTheCallerEndsTheProgram kills a copy of this test, which had
// started a program.
func TestDeathOfTheCallerEndsTheProgram(t *testing.T) {
	file := os.Getenv("PROGRAM_TEST_PID_FILE")
	if file != "" {
		_, _ = program.Run(t.Context(), shell("echo $$ > "+file+".new; mv "+file+".new "+file+"; exec sleep 1000"))
		return
	}
	file = filepath.Join(t.TempDir(), "pid")
	caller := exec.Command(os.Args[0], "-test.run", t.Name())
	caller.Env = append(os.Environ(), "PROGRAM_TEST_PID_FILE="+file)
	if err := caller.Start(); err != nil {
		t.Fatal(err)
	}
	pid := readPID(t, file)
	if err := caller.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = caller.Wait()
	waitGone(t, pid)
}

func TestTimeoutEndsAProgramThatIgnoresTerm(t *testing.T) {
	c := shell("trap '' TERM; while :; do sleep 0.05; done")
	c.Timeout, c.Grace = 50*time.Millisecond, 50*time.Millisecond
	if _, err := program.Run(t.Context(), c); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestFindSaysWhatToInstall(t *testing.T) {
	_, err := program.Find("no-such-program", "apt-get install it")
	if fault.KindOf(err) != fault.Missing || fault.HintOf(err) != "apt-get install it" {
		t.Errorf("error %v, hint %q", err, fault.HintOf(err))
	}
	if path, err := program.Find("sh", ""); err != nil || !filepath.IsAbs(path) {
		t.Errorf("sh: %q, %v", path, err)
	}
}

func readPID(t *testing.T, file string) int {
	t.Helper()
	for {
		if data, err := os.ReadFile(file); err == nil {
			pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
		if t.Context().Err() != nil {
			t.Fatal("no pid file")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// waitGone waits until pid has ended; a zombie that init has not reaped yet
// counts as ended.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	for unix.Kill(pid, 0) == nil {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestNoProgram: a file that the kernel does not run is no cancelled command.
func TestNoProgram(t *testing.T) {
	file := t.TempDir() + "/program"
	if err := os.WriteFile(file, []byte("\x00not a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := program.Run(t.Context(), program.Command{Path: file}); fault.KindOf(err) != fault.Missing || !strings.Contains(err.Error(), "starting program") {
			t.Fatalf("got %v", err)
		}
	}
}

// Who asks for a tail piece by piece gets each byte once, but for what was
// dropped between two questions.
func TestTailSince(t *testing.T) {
	tail := program.NewTail(8)
	position := int64(0)
	for _, step := range []struct{ write, want string }{
		{"", ""}, {"abc", "abc"}, {"", ""}, {"abcabc", "abcabc"}, {"0123456789", "23456789"}, {"ab", "ab"},
	} {
		_, _ = tail.Write([]byte(step.write))
		more, next := tail.Since(position)
		if string(more) != step.want {
			t.Errorf("after %q: got %q, want %q", step.write, more, step.want)
		}
		position = next
	}
}
