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
)

// TestSeveralAtOnce rebuilds four apps at once: the archive is asked once for
// all, each app's lines bear its name, and the one that asks for a package
// that is none keeps no other from being baked.
func TestSeveralAtOnce(t *testing.T) {
	s := newSite(t)
	asked := newCounting(t)
	for _, name := range []string{"cafe", "shop", "wrong"} {
		s.beside(name)
	}
	wrong := filepath.Join(filepath.Dir(s.dir), "wrong", "app.yaml")
	if err := os.WriteFile(wrong, []byte(strings.Replace(read(t, wrong), "[nginx]", "[nginx, no-such-thing]", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	all := s.run(append([]string{"rebuild", "--json", "--skip-tests", "--target", "container", "--jobs", "3", "web", "shop", "wrong", "cafe"}, asked.mirrors()...)...)
	all.want(t, fault.ExitCode(fault.New(fault.Invalid, "")), "wrong: ", "no-such-thing", "shop | #", "cafe | #")
	var apps, digests []string
	for decoder := json.NewDecoder(strings.NewReader(all.stdout)); decoder.More(); {
		var r result
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		apps, digests = append(apps, r.App), append(digests, r.digest(t, "layout"))
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

	s.run("build", "--skip-tests", "--target", "container", "--jobs", "1", "cafe").want(t, 0)
	if err := os.WriteFile(wrong, []byte(strings.Replace(read(t, wrong), "name: wrong", "name: shop", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	s.run("build", "shop", "wrong").want(t, 2, "shop/app.yaml and wrong/app.yaml are both named shop", "next:")
	leavesNothing(t)
}

// beside copies the app under another name, without its lock, into the folder
// of that name.
func (s site) beside(name string) {
	s.t.Helper()
	other := site{t: s.t, dir: filepath.Join(filepath.Dir(s.dir), name)}
	other.copy(s.dir)
	other.replace("app.yaml", "name: web\n", "name: "+name+"\n")
	if err := os.Remove(other.lock()); err != nil {
		s.t.Fatal(err)
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
	for _, name := range archives() {
		next := throughMirror(t, name)
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

func (c *counting) mirrors() []string { return mirrorFlags(c.urls) }

func mirrorFlags(urls map[string]string) []string {
	var args []string
	for _, name := range archives() {
		args = append(args, "--mirror", name+"="+urls[name])
	}
	return args
}
