package test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/test/harness"
)

// TestWrongInput gives mistakes that are found before any work: exit code 2,
// the place, what is wrong and what to do.
func TestWrongInput(t *testing.T) {
	tests := []struct {
		name, old, new string
		texts          []string
	}{
		{"unknown key", "packages: [nginx]", "pakages: [nginx]", []string{"app.yaml:8", "pakages", "packages"}},
		{"wrong type", "pids: 64", "pids: many", []string{"app.yaml:", "pids"}},
		{"two mistakes at once", "user: www-data\n  ports: [8080]", "user: root\n  ports: [99999]", []string{"root", "99999"}},
		{"missing file", "from: nginx.conf", "from: nginx.cnf", []string{"nginx.cnf"}},
		{"path out of the app's folder", "from: nginx.conf", "from: ../nginx.conf", []string{"../nginx.conf"}},
		{"unknown suite", "debian: trixie", "debian: trixy", []string{"trixy"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := harness.NewSite(t)
			lock := harness.Read(t, s.Lock())
			s.Replace("app.yaml", tt.old, tt.new)
			o := s.Run("build", "--json", "web").Want(t, 2, tt.texts...)
			if o.Stdout != "" || harness.Read(t, s.Lock()) != lock {
				t.Errorf("stdout %q, or the lock changed", o.Stdout)
			}
			s.Names()
		})
	}
}

// TestFrozenRefusesAStaleLock asks for one more package than the lock has.
func TestFrozenRefusesAStaleLock(t *testing.T) {
	s := harness.NewSite(t)
	lock := harness.Read(t, s.Lock())
	s.Replace("app.yaml", "[nginx]", "[nginx, tree]")
	for _, args := range [][]string{{"build", "--frozen", "web"}, {"rebuild", "--frozen", "web"}, {"lock", "--frozen", "web"}} {
		s.Run(args...).Want(t, 2, "frozen", "next:")
	}
	if harness.Read(t, s.Lock()) != lock {
		t.Error("the lock changed")
	}
	s.Names()
}

// TestMissingPackageKeepsTheLock asks for a package that does not exist.
func TestMissingPackageKeepsTheLock(t *testing.T) {
	s := harness.NewSite(t)
	lock := harness.Read(t, s.Lock())
	s.Replace("app.yaml", "[nginx]", "[nginxx]")
	s.Run("lock", "web").Want(t, 2, "nginxx", "did you mean nginx?", "next:")
	s.Run("build", "web").Want(t, 2, "nginxx", "next:")
	if harness.Read(t, s.Lock()) != lock {
		t.Error("the lock changed")
	}
	s.Names()
}

// nobody is a mirror at a port on which nothing listens until the test ends:
// a socket that is bound keeps it from others.
func nobody(t *testing.T) []string {
	t.Helper()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(socket) })
	if err := unix.Bind(socket, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	return harness.MirrorsAt(fmt.Sprintf("http://127.0.0.1:%d", name.(*unix.SockaddrInet4).Port))
}

// unfetched counts how often withMore was asked.
var unfetched atomic.Int64

// withMore locks the example with one more small package, which no engine of
// this run has fetched, whatever ran before.
func withMore(t *testing.T) (s harness.Site, name string) {
	t.Helper()
	names := []string{"tree", "hello", "dos2unix", "figlet"}
	n := int(unfetched.Add(1))
	if n > len(names) {
		t.Fatal("all small packages that this test knows were fetched")
	}
	s, name = harness.NewSite(t), names[n-1]
	s.Replace("app.yaml", "[nginx]", "[nginx, "+name+"]")
	s.Run("lock", "web").Want(t, 0)
	return s, name
}

// TestMirrorDown has no mirror that answers, at each place that asks one.
func TestMirrorDown(t *testing.T) {
	s, _ := withMore(t)
	lock := harness.Read(t, s.Lock())
	s.Run(append([]string{"lock"}, append(nobody(t), "web")...)...).Want(t, 4, "connection refused", "next:", "mirrors")
	s.Run(append([]string{"build", "--skip-tests"}, append(nobody(t), "web")...)...).Want(t, 4, "connection refused", "next:", "mirrors")
	s.FreshState()
	s.Run(append([]string{"build", "--skip-tests"}, append(nobody(t), "web")...)...).Want(t, 4, "connection refused", "next:", "mirrors")
	if harness.Read(t, s.Lock()) != lock {
		t.Error("the lock changed")
	}
	s.Names()
}

// TestOtherBytes locks one package by another hash, which makes the real one
// the wrong one, and has a mirror that serves other bytes under a right path.
func TestOtherBytes(t *testing.T) {
	s, more := withMore(t)
	lock := harness.Read(t, s.Lock())
	t.Run("mirror", func(t *testing.T) {
		s.T = t
		server := httptest.NewServer(corrupting(harness.ThroughMirror(t, "debian"), "/"+more+"_"))
		t.Cleanup(server.Close)
		s.Run("build", "--skip-tests", "--mirror", "debian="+server.URL, "web").Want(t, 7, more, "next:")
		s.Names()
	})
	for _, name := range []string{more, "apt"} {
		t.Run("lock of "+name, func(t *testing.T) {
			s.T = t
			pin := regexp.MustCompile(`(name: ` + name + `, .*sha256: ")[0-9a-f]{8}`)
			if err := os.WriteFile(s.Lock(), []byte(pin.ReplaceAllString(lock, "${1}01234567")), 0o644); err != nil {
				t.Fatal(err)
			}
			s.Run("build", "--skip-tests", "web").Want(t, 7, name, "next:")
			s.Names()
		})
	}
	t.Run("right again", func(t *testing.T) {
		s.T = t
		if err := os.WriteFile(s.Lock(), []byte(lock), 0o644); err != nil {
			t.Fatal(err)
		}
		s.Run("build", "--skip-tests", "--target", "container", "web").Want(t, 0)
	})
}

// corrupting flips a bit of each answer whose path holds part.
func corrupting(next http.Handler, part string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, part) {
			next.ServeHTTP(w, r)
			return
		}
		recorded := httptest.NewRecorder()
		next.ServeHTTP(recorded, r)
		body := bytes.Clone(recorded.Body.Bytes())
		if len(body) > 0 {
			body[len(body)/2] ^= 1
		}
		w.WriteHeader(recorded.Code)
		_, _ = io.Copy(w, bytes.NewReader(body))
	})
}
