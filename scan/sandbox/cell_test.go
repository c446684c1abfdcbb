package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/protocol"
	"github.com/bakelite/bakelite/scan/sandbox"
)

// TestMain is three programs: the test, a caller of Launch as another user,
// and what Launch starts.
func TestMain(m *testing.M) {
	if sandbox.IsInner() {
		if err := json.NewEncoder(os.Stdout).Encode(look()); err != nil {
			os.Exit(1)
		}
		return
	}
	if text := os.Getenv("CELL_REQUEST"); text != "" {
		var req protocol.Request
		err := json.Unmarshal([]byte(text), &req)
		if err == nil && os.Getenv("CELL_NO_SECCOMP") != "" {
			err = refuseSeccomp()
		}
		if err == nil {
			err = sandbox.Launch(context.Background(), req, os.Stdout, os.Stderr)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// seen is what a shut-in process finds out.
type seen struct {
	Error    string
	Hint     string
	Passed   []string // of the calls that it tried
	Confined protocol.Confined
	PID      int
	Root     []string
	Content  string
	Can      []string // of what it must not
	Scratch  string
	Known    string
}

func look() seen {
	req, confined, err := sandbox.Enter(os.Stdin)
	if err != nil {
		return seen{Error: err.Error(), Hint: fault.HintOf(err)}
	}
	if call := req.Roots[0].Name; call != "" {
		return seen{Passed: try(call)}
	}
	s := seen{Confined: confined, PID: os.Getpid()}
	newThreads(50)
	entries, _ := os.ReadDir("/")
	for _, e := range entries {
		s.Root = append(s.Root, e.Name())
	}
	text, err := os.ReadFile(req.Roots[0].Path)
	s.Content = fmt.Sprint(string(text), err)
	s.Scratch = fmt.Sprint(os.WriteFile("/tmp/x", nil, 0o600))
	text, err = os.ReadFile(req.Known[0][0].Path)
	s.Known = fmt.Sprint(string(text), err)
	for name, try := range forbidden(req) {
		if try() == nil {
			s.Can = append(s.Can, name)
		}
	}
	return s
}

// newThreads has a number of goroutines run at once on threads of their own.
func newThreads(n int) {
	var started, done sync.WaitGroup
	started.Add(n)
	for range n {
		done.Go(func() {
			runtime.LockOSThread()
			started.Done()
			started.Wait()
		})
	}
	done.Wait()
}

func forbidden(req protocol.Request) map[string]func() error {
	return map[string]func() error{
		"read the machine's files": func() error { _, err := os.ReadFile("/etc/passwd"); return err },
		"see processes":            func() error { _, err := os.ReadDir("/proc"); return err },
		"change what it reads":     func() error { return os.WriteFile(req.Roots[0].Path, nil, 0o600) },
		"change the database":      func() error { return os.WriteFile(filepath.Join(req.Database.Folder, "x"), nil, 0o600) },
		"change what is known":     func() error { return os.WriteFile(req.Known[0][0].Path, nil, 0o600) },
		"add to what is known":     func() error { return os.WriteFile(filepath.Join(filepath.Dir(req.Known[0][0].Path), "x"), nil, 0o600) },
		"see what else is known":   seeMore(filepath.Dir(req.Known[0][0].Path)),
		"link what is known":       func() error { return os.Symlink("/etc", filepath.Join(filepath.Dir(req.Known[0][0].Path), "x")) },
		"change its root":          func() error { return os.Mkdir("/new", 0o700) },
		"reach the network":        func() error { _, err := net.Dial("udp", "192.0.2.1:53"); return err },
		"make a socket":            func() error { _, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err },
		"be root": func() error {
			if os.Getuid() == 0 {
				return nil
			}
			return io.EOF
		},
		"keep capabilities": func() error {
			h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var d [2]unix.CapUserData
			if err := unix.Capget(&h, &d[0]); err != nil || d != [2]unix.CapUserData{} {
				return nil
			}
			return io.EOF
		},
		"use inherited files": func() error { _, err := unix.FcntlInt(200, unix.F_GETFD, 0); return err },
		"run a program":       start,
	}
}

// seeMore looks for more than the one entry of the one root.
func seeMore(cache string) func() error {
	return func() error {
		if entries, err := os.ReadDir(cache); err != nil || len(entries) != 1 {
			return err
		}
		return io.EOF
	}
}

// TestCell looks around in the cell. That the filter took hold there, with no
// capability left, shows that there are no new privileges either (seccomp(2)).
func TestCell(t *testing.T) {
	for name, uid := range map[string]int{"as root": 0, "as a user": 12345} {
		t.Run(name, func(t *testing.T) {
			if os.Getuid() != 0 {
				t.Skip("needs root")
			}
			s := shut(t, uid, 0o644)
			want := 65534
			if uid != 0 {
				want = uid
			}
			if s.Error != "" || !s.Confined.Namespaces || !s.Confined.Filter || s.Confined.UID != want || s.PID != 1 {
				t.Errorf("%+v", s)
			}
			if len(s.Can) > 0 {
				t.Errorf("it can %s", strings.Join(s.Can, ", "))
			}
			if strings.Join(s.Root, " ") != "cache database roots tmp" || s.Content != "content<nil>" || s.Scratch != "<nil>" || s.Known != "entry<nil>" {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestCellForRootsFiles keeps root, without its privileges, for a file that
// nobody else may read.
func TestCellForRootsFiles(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	s := shut(t, 0, 0o600)
	if s.Confined.UID != 0 || s.Content != "content<nil>" || strings.Join(s.Can, " ") != "be root" {
		t.Errorf("%+v", s)
	}
}

func shut(t *testing.T, uid int, mode os.FileMode) seen {
	t.Helper()
	cmd := caller(t, uid, mode, "")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%v: %s", err, exit.Stderr)
	}
	var s seen
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return s
}

// caller is a process of user uid that calls Launch; what it starts tries a
// system call, or looks around where call is "".
func caller(t *testing.T, uid int, mode os.FileMode, call string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	for p := dir; p != os.TempDir() && p != "/"; p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	program, file, cache := filepath.Join(dir, "program"), filepath.Join(dir, "file"), filepath.Join(dir, "cache")
	for _, err := range []error{
		os.WriteFile(program, text, 0o755), os.WriteFile(file, []byte("content"), 0o644), os.Chmod(file, mode),
		os.Mkdir(filepath.Join(dir, "db"), 0o755), os.Mkdir(cache, 0o700), os.WriteFile(filepath.Join(cache, "e"), []byte("entry"), 0o644),
		os.WriteFile(filepath.Join(cache, "another"), nil, 0o644), os.Chown(cache, uid, uid), os.Chown(filepath.Join(cache, "e"), uid, uid),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	req, err := json.Marshal(protocol.Request{
		Roots: []protocol.Root{{Name: call, Kind: protocol.Disk, Path: file}}, Database: protocol.Database{Folder: filepath.Join(dir, "db")},
		Known: [][]protocol.Known{{{Name: "e", Path: filepath.Join(cache, "e")}, {Name: "gone", Path: filepath.Join(cache, "gone")}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	// One that is not refused may wait forever.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = []string{"CELL_REQUEST=" + string(req), "SECRET=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}, Pdeathsig: syscall.SIGKILL}
	return cmd
}
