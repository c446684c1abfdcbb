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

	"github.com/bakelite/bakelite/test/harness"
)

// TestInterruptedBuild stops builds of one lock at one moment after the
// other, on a state folder that was empty at the start, by Ctrl-C and by the
// death of Bakelite or of its engine. Each leaves nothing; the last run gives
// the digests of a build that nobody stopped.
func TestInterruptedBuild(t *testing.T) {
	first, s := harness.FirstBake(t), harness.NewSite(t)
	s.FreshState()
	slow := newStalling(t)
	build := []string{"build", "--json", "--frozen", "web"}
	stopped := func(moment string, sig syscall.Signal, code int, args ...string) {
		t.Logf("%v at %q", sig, moment)
		c := s.Start(slices.Concat(build, args, harness.Watched)...)
		c.Begins(moment)
		if program, ok := strings.CutPrefix(moment, "[test] "); ok {
			untilRuns(s, c, map[string]string{"container": "runc", "disk": "qemu"}[program])
		}
		c.Signal(sig)
		if o := c.Wait(); o.Code != code || o.Stdout != "" {
			t.Errorf("%v at %q: exit code %d, want %d; stdout %q:\n%s", sig, moment, o.Code, code, o.Stdout, harness.Last(o.Stderr, 2<<10))
		}
		s.Names()
		harness.LeavesNothing(t)
	}
	slow.at("/apt_")
	stopped("[seed] make", syscall.SIGINT, 130, slow.mirrors()...)
	slow.at("/nginx_")
	stopped("[packages] fetch", syscall.SIGINT, 130, slow.mirrors()...)
	slow.at("")
	stopped("[base] unpack", syscall.SIGTERM, 130)
	stopped("[base] configure", syscall.SIGINT, 130)
	stopped("[machine] install", syscall.SIGKILL, -1)
	engineKilled(s, "[disk] make the initrd", build...)
	stopped("exporting layers", syscall.SIGINT, 130)
	stopped("[test] container", syscall.SIGINT, 130)
	stopped("[test] container", syscall.SIGKILL, -1)
	stopped("[test] disk", syscall.SIGINT, 130)
	stopped("[test] disk", syscall.SIGKILL, -1)

	r, want := s.Run("build", "--json", "--frozen", "--skip-tests", "web").Result(t), first.Outcome.Result(t)
	for _, format := range []string{"layout", "raw", "qcow2"} {
		if r.Digest(t, format) != want.Digest(t, format) {
			t.Errorf("%s: %s and %s", format, r.Digest(t, format), want.Digest(t, format))
		}
	}
	s.Names("web.oci", "web.qcow2", "web.raw", "web.receipt.json")
	if hidden := hidden(s); len(hidden) > 1 {
		t.Errorf("beside the results lie %q", hidden)
	}
	harness.LeavesNothing(t)
}

// untilRuns waits for a program that a test of the command starts.
func untilRuns(s harness.Site, c *harness.Command, program string) {
	s.T.Helper()
	for !slices.ContainsFunc(harness.Processes(harness.Here.Dir), func(p string) bool {
		_, line, _ := strings.Cut(p, " ")
		name, rest, _ := strings.Cut(line, " ")
		return strings.HasPrefix(filepath.Base(name), program) && (program != "runc" || strings.Contains(rest, "sandbox"))
	}) {
		select {
		case <-c.Ended:
			s.T.Fatalf("ended without a run of %s:\n%s", program, c.Said())
		case <-time.After(time.Millisecond):
		}
	}
}

// engineKilled kills the engine of a build that has come to a moment.
func engineKilled(s harness.Site, moment string, args ...string) {
	s.T.Helper()
	s.T.Logf("death of the engine at %q", moment)
	c := s.Start(slices.Concat(args, harness.Watched)...)
	c.Begins(moment)
	for _, daemon := range harness.Engines(s.State) {
		number, _, _ := strings.Cut(daemon, " ")
		pid, err := strconv.Atoi(number)
		if err == nil {
			err = syscall.Kill(pid, syscall.SIGKILL)
		}
		if err != nil {
			s.T.Fatal(err)
		}
	}
	c.Wait().Want(s.T, 5, "the engine went away", "next:")
	s.Names()
	harness.LeavesNothing(s.T)
	if left := harness.Settled(func() []string { return harness.Engines(s.State) }); len(left) > 0 {
		s.T.Errorf("the engine lives on: %q", left)
	}
}

// hidden lists what lies in the output folder without a final name; the lock
// of the folder is always there.
func hidden(s harness.Site) []string {
	s.T.Helper()
	found, err := filepath.Glob(filepath.Join(s.Out, ".*"))
	if err != nil {
		s.T.Fatal(err)
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
	for _, name := range harness.Archives() {
		next := harness.ThroughMirror(t, name)
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

func (s *stalling) mirrors() []string { return harness.MirrorFlags(s.urls) }

// TestDeadBuildBlocksNobody kills Bakelite at the start of a build, which has
// work to do: it does not end before.
func TestDeadBuildBlocksNobody(t *testing.T) {
	s := harness.NewSite(t)
	s.Replace("site/index.html", "Set hard", "Set hard by the second builder")
	c := s.Start("build", "--json", "--skip-tests", "--target", "container", "--progress", "json", "web")
	c.Begins("")
	c.Signal(os.Kill)
	c.Wait()
	s.Run("build", "--json", "--skip-tests", "--target", "container", "web").Result(t)
	harness.LeavesNothing(t)
}
