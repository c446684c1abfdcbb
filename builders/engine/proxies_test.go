package engine

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/builders/progress"
)

// TestProxyPasswords fetches by a proxy that wants a password, which is in no
// process's environment, those that run steps included.
func TestProxyPasswords(t *testing.T) {
	needEngine(t)
	const password = "tr0ub4dor"
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		if user, given, _ := request.BasicAuth(); user != "cook" || given != password {
			http.Error(w, "who are you?", http.StatusProxyAuthRequired)
			return
		}
		fmt.Fprint(w, r.URL.Host)
	}))
	defer proxy.Close()
	t.Setenv("http_proxy", strings.Replace(proxy.URL, "://", "://cook:"+password+"@", 1))
	e := open(t, t.TempDir())
	k, _ := newSession(t, e, progress.Quiet)
	dir := t.TempDir()
	graph := graphOf(llb.HTTP("http://archive.invalid/f", llb.Checksum(digest.FromString("archive.invalid")), llb.Filename("f")))
	if _, err := k.Solve(t.Context(), Job{Graph: graph, Dir: dir}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = k.Solve(ctx, Job{Graph: graphOf(shell("sleep", "sleep 876543")), Dir: filepath.Join(dir, "none")})
	}()
	awaitStep(t, "sleep 876543")
	if pids := inEnvironment(t, password); len(pids) > 0 {
		t.Errorf("the password is in the environment of %v", pids)
	}
	stop()
	<-ended
}

// inEnvironment lists the command lines of processes whose environment holds
// text.
func inEnvironment(t *testing.T, text string) []string {
	t.Helper()
	var found []string
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range paths {
		if environ, _ := os.ReadFile(path); contains(environ, text) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}
