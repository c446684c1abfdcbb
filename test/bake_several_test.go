package test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/test/harness"
)

// TestSeveralAtOnce rebuilds four apps at once: the archive is asked once for
// all, each app's lines bear its name, and the one that asks for a package
// that is none keeps no other from being baked.
func TestSeveralAtOnce(t *testing.T) {
	s := harness.NewSite(t)
	asked := newCounting(t)
	for _, name := range []string{"cafe", "shop", "wrong"} {
		beside(s, name)
	}
	wrong := filepath.Join(filepath.Dir(s.Dir), "wrong", "app.yaml")
	if err := os.WriteFile(wrong, []byte(strings.Replace(harness.Read(t, wrong), "[nginx]", "[nginx, no-such-thing]", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	all := s.Run(append([]string{"rebuild", "--json", "--skip-tests", "--target", "container", "--jobs", "3", "web", "shop", "wrong", "cafe"}, asked.mirrors()...)...)
	all.Want(t, fault.ExitCode(fault.New(fault.Invalid, "")), "wrong: ", "no-such-thing", "shop | #", "cafe | #")
	var apps, digests []string
	for decoder := json.NewDecoder(strings.NewReader(all.Stdout)); decoder.More(); {
		var r harness.Result
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		apps, digests = append(apps, r.App), append(digests, r.Digest(t, "layout"))
	}
	slices.Sort(apps)
	slices.Sort(digests)
	if !slices.Equal(apps, []string{"cafe", "shop", "web"}) || len(slices.Compact(digests)) != 3 {
		t.Errorf("made %q: %q", apps, digests)
	}
	for path, times := range asked.times {
		if times != 1 {
			t.Errorf("%s was asked for %d times", path, times)
		}
	}
	if len(asked.times) != 3 {
		t.Errorf("asked for the indexes %v", asked.times)
	}

	s.Run("build", "--skip-tests", "--target", "container", "--jobs", "1", "cafe").Want(t, 0)
	if err := os.WriteFile(wrong, []byte(strings.Replace(harness.Read(t, wrong), "name: wrong", "name: shop", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	s.Run("build", "shop", "wrong").Want(t, 2, "shop/app.yaml and wrong/app.yaml are both named shop", "next:")
	harness.LeavesNothing(t)
}

// beside copies the app under another name, without its lock, into the folder
// of that name.
func beside(s harness.Site, name string) {
	s.T.Helper()
	other := harness.Site{T: s.T, Dir: filepath.Join(filepath.Dir(s.Dir), name)}
	other.Copy(s.Dir)
	other.Replace("app.yaml", "name: web\n", "name: "+name+"\n")
	if err := os.Remove(other.Lock()); err != nil {
		s.T.Fatal(err)
	}
}

// counting passes requests on to the real mirrors and counts those for an
// index.
type counting struct {
	mu    sync.Mutex
	times map[string]int
	urls  map[string]string
}

func newCounting(t *testing.T) *counting {
	t.Helper()
	c := &counting{times: map[string]int{}, urls: map[string]string{}}
	for _, name := range harness.Archives() {
		next := harness.ThroughMirror(t, name)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/InRelease") {
				c.mu.Lock()
				c.times[r.URL.Path]++
				c.mu.Unlock()
			}
			next.ServeHTTP(w, r)
		}))
		t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
		c.urls[name] = server.URL
	}
	return c
}

func (c *counting) mirrors() []string { return harness.MirrorFlags(c.urls) }
