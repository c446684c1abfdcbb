package engine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"
)

// person is an ordinary user who exists for one test.
type person struct {
	name string
	uid  int
	gid  int
	home string
}

// newPerson adds a user with ranges of subordinate ids, and removes the user
// with the test. The home is no temporary folder of the test's own, whose
// parents others may not enter.
func newPerson(t *testing.T) person {
	t.Helper()
	home, err := os.MkdirTemp("/var/tmp", "bakelite-home-")
	if err != nil {
		t.Fatal(err)
	}
	p := person{name: "bake" + strconv.Itoa(os.Getpid()), home: home}
	if out, err := exec.Command("useradd", "--home-dir", home, "--shell", "/bin/sh", p.name).CombinedOutput(); err != nil {
		t.Fatalf("adding a user: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("userdel", "--force", p.name).CombinedOutput(); err != nil {
			t.Errorf("removing the user: %v: %s", err, out)
		}
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	account, err := user.Lookup(p.name)
	if err != nil {
		t.Fatal(err)
	}
	p.uid, _ = strconv.Atoi(account.Uid)
	p.gid, _ = strconv.Atoi(account.Gid)
	if err := os.Chown(home, p.uid, p.gid); err != nil {
		t.Fatal(err)
	}
	return p
}

// bakes runs this test's program as that user.
func (p person) bakes(t *testing.T, shell, path string, args ...string) (string, error) {
	t.Helper()
	program := filepath.Join(p.home, "engine.test")
	if _, err := os.Stat(program); err != nil {
		self, err := os.ReadFile("/proc/self/exe")
		if err != nil {
			t.Fatal(err)
		}
		copyTo(t, program, self)
	}
	c := exec.CommandContext(context.Background(), program, append([]string{"engine"}, args...)...)
	c.Dir = p.home
	c.Env = []string{"HOME=" + p.home, "PATH=" + path, "SHELL_FOLDER=" + shell, "PAGE=" + os.Getenv("PAGE"), "DOCKER_HOST=unix:///nowhere", "https_proxy=cook:tr0ub4dor@proxy.invalid:1"}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(p.uid), Gid: uint32(p.gid)}}
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

const systemPath = "/usr/sbin:/usr/bin:/sbin:/bin"

func TestRootless(t *testing.T) {
	needEngine(t)
	for _, program := range []string{"rootlesskit", "newuidmap", "useradd"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s: apt-get install rootlesskit uidmap passwd", program)
		}
	}
	p := newPerson(t)
	tools := busyboxIn(t, filepath.Join(p.home, "tools"))
	state := filepath.Join(p.home, "state")
	_, _ = p.bakes(t, tools, systemPath, "stop", state) // the program is there now
	t.Cleanup(func() { _, _ = p.bakes(t, tools, systemPath, "stop", state) })
	t.Setenv("PAGE", pageAt(t, ownAddress(t).String()))
	// A step is root of a namespace, its first process, and sees lo alone; one
	// with a network sees its end of a wire besides, and not this machine.
	want := "0\nsh\n1\n2\nno machine"
	for _, round := range []string{"starts", "is found again"} {
		var group errgroup.Group
		for range 3 {
			group.Go(func() error {
				if got, err := p.bakes(t, tools, systemPath, "probe", state); err != nil || got != want {
					return fmt.Errorf("gave %q, %w, want %q", got, err, want)
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			log, _ := os.ReadFile(filepath.Join(state, "engine", "log"))
			t.Fatalf("an engine that %s for three at once: %v; its log:\n%s", round, err, log)
		}
	}
	if pids := inEnvironment(t, "tr0ub4dor"); len(pids) > 0 {
		t.Errorf("a proxy's password is in the environment of %v", pids)
	}
	leader := confinerOf(t, state)
	if leader <= 1 {
		t.Fatalf("nothing confines the engine: %d", leader)
	}
	if err := syscall.Kill(leader, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	awaitNone(t, filepath.Join(state, "engine"))
	if got, err := p.bakes(t, tools, systemPath, "probe", state); err != nil || got != want {
		t.Errorf("after a kill got %q, %v", got, err)
	}
	if got, err := p.bakes(t, tools, systemPath, "stop", state); err != nil || got != "true" {
		t.Errorf("stopping gave %q, %v", got, err)
	}
	if left := lasting(t, filepath.Join(state, "engine")); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
}
