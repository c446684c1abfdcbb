package test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestInterruptedBuild stops builds of one lock at one moment after the
// other, on a state folder that was empty at the start, by Ctrl-C and by the
// death of Bakelite or of its engine. Each leaves nothing; the last run gives
// the digests of a build that nobody stopped.
func TestInterruptedBuild(t *testing.T) {
	first, s := firstBake(t), newSite(t)
	s.freshState()
	slow := newStalling(t)
	build := []string{"build", "--json", "--frozen", "web"}
	stopped := func(moment string, sig syscall.Signal, code int, args ...string) {
		t.Logf("%v at %q", sig, moment)
		c := s.start(slices.Concat(build, args, watched)...)
		c.begins(moment)
		if program, ok := strings.CutPrefix(moment, "[test] "); ok {
			s.untilRuns(c, map[string]string{"container": "runc", "disk": "qemu"}[program])
		}
		c.signal(sig)
		if o := c.wait(); o.code != code || o.stdout != "" {
			t.Errorf("%v at %q: exit code %d, want %d; stdout %q:\n%s", sig, moment, o.code, code, o.stdout, last(o.stderr, 2<<10))
		}
		s.names()
		leavesNothing(t)
	}
	slow.at("/apt_")
	stopped("[seed] make", syscall.SIGINT, 130, slow.mirrors()...)
	slow.at("/nginx_")
	stopped("[packages] fetch", syscall.SIGINT, 130, slow.mirrors()...)
	slow.at("")
	stopped("[base] unpack", syscall.SIGTERM, 130)
	stopped("[base] configure", syscall.SIGINT, 130)
	stopped("[machine] install", syscall.SIGKILL, -1)
	s.engineKilled("[disk] make the initrd", build...)
	stopped("exporting layers", syscall.SIGINT, 130)
	stopped("[test] container", syscall.SIGINT, 130)
	stopped("[test] container", syscall.SIGKILL, -1)
	stopped("[test] disk", syscall.SIGINT, 130)
	stopped("[test] disk", syscall.SIGKILL, -1)

	r, want := s.run("build", "--json", "--frozen", "--skip-tests", "web").result(t), first.outcome.result(t)
	for _, format := range []string{"layout", "raw", "qcow2"} {
		if r.digest(t, format) != want.digest(t, format) {
			t.Errorf("%s: %s and %s", format, r.digest(t, format), want.digest(t, format))
		}
	}
	s.names("web.oci", "web.qcow2", "web.raw", "web.receipt.json")
	if hidden := s.hidden(); len(hidden) > 1 {
		t.Errorf("beside the results lie %q", hidden)
	}
	leavesNothing(t)
}

// untilRuns waits for a program that a test of the command starts.
func (s site) untilRuns(c *command, program string) {
	s.t.Helper()
	for !slices.ContainsFunc(processes(s.state), func(p string) bool {
		_, line, _ := strings.Cut(p, " ")
		name, rest, _ := strings.Cut(line, " ")
		return strings.HasPrefix(filepath.Base(name), program) && (program != "runc" || strings.Contains(rest, "sandbox"))
	}) {
		select {
		case <-c.ended:
			s.t.Fatalf("ended without a run of %s:\n%s", program, c.stderr.String())
		case <-time.After(time.Millisecond):
		}
	}
}

// engineKilled kills the engine of a build that has come to a moment.
func (s site) engineKilled(moment string, args ...string) {
	s.t.Helper()
	s.t.Logf("death of the engine at %q", moment)
	c := s.start(slices.Concat(args, watched)...)
	c.begins(moment)
	for _, daemon := range engines(s.state) {
		number, _, _ := strings.Cut(daemon, " ")
		pid, err := strconv.Atoi(number)
		if err == nil {
			err = syscall.Kill(pid, syscall.SIGKILL)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	c.wait().want(s.t, 5, "the engine went away", "next:")
	s.names()
	leavesNothing(s.t)
	if left := settled(func() []string { return engines(s.state) }); len(left) > 0 {
		s.t.Errorf("the engine lives on: %q", left)
	}
}

// hidden lists what lies in the output folder without a final name; the lock
// of the folder is always there.
func (s site) hidden() []string {
	s.t.Helper()
	found, err := filepath.Glob(filepath.Join(s.out, ".*"))
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

// stalling passes requests on to the real mirrors, but does not answer those
// whose path holds a text, for as long as the asker waits.
type stalling struct {
	text atomic.Pointer[string]
	urls map[string]string
}

func newStalling(t *testing.T) *stalling {
	t.Helper()
	s := &stalling{urls: map[string]string{}}
	s.at("")
	for _, name := range archives() {
		next := throughMirror(t, name)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if text := *s.text.Load(); text != "" && strings.Contains(r.URL.Path, text) {
				<-r.Context().Done()
				return
			}
			next.ServeHTTP(w, r)
		}))
		t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
		s.urls[name] = server.URL
	}
	return s
}

func (s *stalling) at(text string) { s.text.Store(&text) }

func (s *stalling) mirrors() []string { return mirrorFlags(s.urls) }

// TestDeadBuildBlocksNobody kills Bakelite at the start of a build, which has
// work to do: it does not end before.
func TestDeadBuildBlocksNobody(t *testing.T) {
	s := newSite(t)
	s.replace("site/index.html", "Set hard", "Set hard by the second builder")
	c := s.start("build", "--json", "--skip-tests", "--target", "container", "--progress", "json", "web")
	c.begins("")
	c.signal(os.Kill)
	c.wait()
	s.run("build", "--json", "--skip-tests", "--target", "container", "web").result(t)
	leavesNothing(t)
}
