package debian_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/internal/fault"
)

func now(t *testing.T, c *debian.Client) *debian.World {
	t.Helper()
	w, err := c.Now(t.Context(), "trixie", "amd64", false)
	if err != nil || len(w.Sources) != 3 {
		t.Fatalf("got %+v, %v", w, err)
	}
	return w
}

// versionsOf lists a name's versions in a suite.
func versionsOf(s debian.Source, name string) string {
	if s.Packages == nil {
		return "nothing is known"
	}
	var all []string
	from, to := s.Packages.Find(name)
	for n := from; n < to; n++ {
		all = append(all, s.Packages.Package(n).Version)
	}
	return strings.Join(all, " ")
}

func TestNow(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	w := now(t, a.client(debian.Options{}))
	main, security := w.Sources[0], w.Sources[2]
	if main.Err != nil || main.Priority != 500 || versionsOf(main, "nginx") != "1.26-1" || main.Archive.InRelease != archivetest.Sum(a.Files["dists/trixie/InRelease"]) {
		t.Errorf("got %+v", main)
	}
	if versionsOf(security, "zlib1g") != "1:1.3-2+deb13u1" || security.Archive.Suite != "trixie-security" {
		t.Errorf("got %+v", security)
	}
	from, _ := main.Packages.Find("nginx")
	if p := main.Packages.Package(from); p.Source != "nginx-src" || p.SourceVersion != "1.26" || p.Depends != "zlib1g (>= 1:1.2)" {
		t.Errorf("got %+v", p)
	}
	if w, err := a.client(debian.Options{}).Now(t.Context(), "sarge", "amd64", false); fault.KindOf(err) != fault.Invalid {
		t.Errorf("got %+v, %v", w, err)
	}
}

// TestOneStateOfTheArchive moves the archive on between the look and the lock.
func TestOneStateOfTheArchive(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	c := a.client(debian.Options{})
	w := now(t, c)
	a.Release("trixie", archivetest.Release{Date: released.Add(time.Hour)}, archivetest.Package{Name: "nginx", Version: "1.26-2"})
	s, err := c.Current(t.Context(), "trixie", "amd64", debian.Since{})
	if err != nil || s.Archives[0] != w.Sources[0].Archive || s.Package("nginx").Version != "1.26-1" {
		t.Errorf("the lock stands on %v, the look on %v: %v", s.Archives, w.Sources[0].Archive, err)
	}
}

// TestUnreadableSuite breaks the suite of security updates in every way, after
// it was read once. It is never taken for one without news: its error says
// what is wrong, what was known of it stays, and the other suites count.
func TestUnreadableSuite(t *testing.T) {
	const security = "dists/trixie-security/"
	next := []archivetest.Package{{Name: "zlib1g", Version: "1:1.3-2+deb13u2"}}
	later := released.Add(time.Hour)
	tests := []struct {
		name   string
		change func(a *localArchive)
		kind   fault.Kind
		want   string
	}{
		{"hash mismatch", func(a *localArchive) {
			a.Release("trixie-security", archivetest.Release{Date: later}, next...)
			for path := range a.Files {
				if strings.HasPrefix(path, security+"main") {
					a.Files[path] = append([]byte("x"), a.Files[path][1:]...)
				}
			}
		}, fault.Integrity, "its SHA-256 is"},
		{"older Release replayed", func(a *localArchive) {
			a.Release("trixie-security", archivetest.Release{Date: released.Add(-time.Hour)})
		}, fault.Integrity, "seen before"},
		{"expired", func(a *localArchive) {
			a.Release("trixie-security", archivetest.Release{Date: later, ValidUntil: today.Add(-time.Minute)}, next...)
		}, fault.Integrity, "expired"},
		{"unsigned", func(a *localArchive) {
			a.Change(security+"InRelease", func([]byte) []byte { return []byte("Codename: trixie-security\n") })
		}, fault.Integrity, "does not start"},
		{"signed by another key", func(a *localArchive) {
			a.Release("trixie-security", archivetest.Release{Date: later, Signer: archivetest.NewKey(a.t)}, next...)
		}, fault.Integrity, "signature does not hold"},
		{"another suite's index", func(a *localArchive) {
			a.Files[security+"InRelease"] = a.Files["dists/trixie-updates/InRelease"]
		}, fault.Integrity, `not of "trixie-security"`},
		{"Release before its index", func(a *localArchive) {
			a.Release("trixie-security", archivetest.Release{Date: later}, next...)
			for path := range a.Files {
				if strings.HasPrefix(path, security+"main") {
					delete(a.Files, path)
				}
			}
		}, fault.Network, "404"},
		{"cut off", func(a *localArchive) {
			a.Change(security+"InRelease", func(b []byte) []byte { return b[:len(b)/2] })
		}, fault.Integrity, ""},
		{"gone", func(a *localArchive) {
			delete(a.Files, security+"InRelease")
		}, fault.Network, "404"},
		{"from the future", func(a *localArchive) {
			a.Release("trixie-security", archivetest.Release{Date: today.Add(2 * time.Hour)}, next...)
		}, fault.Integrity, "clock"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newLocalArchive(t, demo()...)
			o := debian.Options{Cache: t.TempDir(), Keyring: a.Keyring()}
			before := now(t, a.client(o)).Sources[2]
			test.change(a)
			w := now(t, a.client(o))
			got := w.Sources[2]
			if got.Err == nil || fault.KindOf(got.Err) != test.kind || !strings.Contains(got.Err.Error(), test.want) {
				t.Errorf("got %v, want %s", got.Err, test.want)
			}
			if got.Archive != before.Archive || versionsOf(got, "zlib1g") != "1:1.3-2+deb13u1" {
				t.Errorf("what was known is lost: %+v", got)
			}
			if w.Sources[0].Err != nil || w.Sources[1].Err != nil || versionsOf(w.Sources[0], "nginx") != "1.26-1" {
				t.Errorf("the other suites: %v, %v", w.Sources[0].Err, w.Sources[1].Err)
			}
			fresh := debian.Options{Cache: t.TempDir(), Keyring: o.Keyring}
			if test.name == "older Release replayed" {
				return // who never saw a newer one cannot tell
			}
			if never := now(t, a.client(fresh)).Sources[2]; never.Err == nil || never.Packages != nil || never.Archive.InRelease != "" {
				t.Errorf("of what was never read is known %+v", never)
			}
		})
	}
}

// TestEitherPacking reads an archive that has its indexes as gzip or as xz.
func TestEitherPacking(t *testing.T) {
	packed, err := base64.StdEncoding.DecodeString(xzPackages)
	if err != nil {
		t.Fatal(err)
	}
	plain := []byte("Package: aa\nVersion: 1\nArchitecture: all\nFilename: pool/aa.deb\nSize: 1\nSHA256: " + archivetest.Sum(nil) + "\n")
	for _, r := range []archivetest.Release{{Packages: plain}, {Packages: plain, XZ: packed, NoGzip: true}} {
		a := newLocalArchive(t)
		a.Release("trixie-security", r)
		if s := now(t, a.client(debian.Options{})).Sources[2]; s.Err != nil || versionsOf(s, "aa") != "1" {
			t.Errorf("got %v", s.Err)
		}
	}
}

// TestUnchangedIndexIsNotSentAgain has a mirror that knows its files by ETag or
// by date. Believed it is no more than another: what has expired since it was
// sent is refused when it is "not modified".
func TestUnchangedIndexIsNotSentAgain(t *testing.T) {
	for _, header := range []string{"ETag", "Last-Modified"} {
		t.Run(header, func(t *testing.T) {
			a := newLocalArchive(t, demo()...)
			a.Release("trixie-security", archivetest.Release{ValidUntil: today.Add(time.Hour)}, archivetest.Package{Name: "zlib1g", Version: "1:1.3-2+deb13u1"})
			var sent atomic.Int64
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				a.Mu.Lock()
				defer a.Mu.Unlock()
				data, ok := a.Files[strings.TrimPrefix(r.URL.Path, "/")]
				if !ok {
					http.NotFound(w, r)
					return
				}
				modified := time.Time{}
				if header == "ETag" {
					w.Header().Set("ETag", `"`+archivetest.Sum(data)+`"`)
				} else {
					modified = released
				}
				counted := &countingWriter{ResponseWriter: w, bytes: &sent}
				http.ServeContent(counted, r, "", modified, bytes.NewReader(data))
			}))
			defer front.Close()
			o := debian.Options{Cache: t.TempDir(), Keyring: a.Keyring()}
			a.URL = front.URL
			first := now(t, a.client(o))
			sent.Store(0)
			again := now(t, a.client(o))
			if n := sent.Load(); n != 0 {
				t.Errorf("%d bytes came again", n)
			}
			for i := range first.Sources {
				if again.Sources[i].Err != nil || again.Sources[i].Archive != first.Sources[i].Archive {
					t.Errorf("got %+v, want %+v", again.Sources[i], first.Sources[i])
				}
			}
			o.Now = func() time.Time { return today.Add(2 * time.Hour) }
			if late := now(t, a.client(o)).Sources[2]; late.Err == nil || !strings.Contains(late.Err.Error(), "expired") {
				t.Errorf("a frozen mirror is believed: %v", late.Err)
			}
			damage(t, o.Cache)
			o.Now = nil
			if s := now(t, a.client(o)).Sources[0]; s.Err != nil || sent.Load() == 0 {
				t.Errorf("a damaged cache is believed: %v, %d bytes", s.Err, sent.Load())
			}
		})
	}
}

type countingWriter struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	c.bytes.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

// damage changes every file that a cache holds by content.
func damage(t *testing.T, cache string) {
	t.Helper()
	for _, kind := range []string{"sha256", "catalog"} {
		files, err := filepath.Glob(filepath.Join(cache, kind, "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%v, %v", files, err)
		}
		for _, f := range files {
			if err := os.WriteFile(f, []byte("damaged"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestFirsts tells when a version came to a suite.
func TestFirsts(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	clock := today
	o := debian.Options{Cache: t.TempDir(), Keyring: a.Keyring(), Now: func() time.Time { return clock }}
	if first, ok := now(t, a.client(o)).Sources[2].First("zlib1g", "1:1.3-2+deb13u1"); ok {
		t.Errorf("what was there at the first look came at %+v", first)
	}
	resigned, came := released.Add(2*time.Hour), released.Add(5*time.Hour)
	a.Release("trixie-security", archivetest.Release{Date: resigned}, archivetest.Package{Name: "zlib1g", Version: "1:1.3-2+deb13u1"})
	now(t, a.client(o))
	a.Release("trixie-security", archivetest.Release{Date: came}, archivetest.Package{Name: "zlib1g", Version: "1:1.3-2+deb13u1"}, archivetest.Package{Name: "zlib1g", Version: "1:1.3-2+deb13u2"})
	clock = today.Add(time.Hour)
	if _, err := a.client(o).Snapshot(context.Background(), "trixie", "amd64"); err != nil { // a lock saw it first
		t.Fatal(err)
	}
	clock = today.Add(9 * time.Hour)
	a.Release("trixie-security", archivetest.Release{Date: came.Add(time.Hour)}, archivetest.Package{Name: "zlib1g", Version: "1:1.3-2+deb13u3"})
	s := now(t, a.client(o)).Sources[2]
	first, ok := s.First("zlib1g", "1:1.3-2+deb13u2")
	if want := (debian.First{Published: came, After: resigned, Seen: today.Add(time.Hour)}); !ok || first != want {
		t.Errorf("u2 came at %+v, %v; want %+v", first, ok, want)
	}
	if third, ok := s.First("zlib1g", "1:1.3-2+deb13u3"); !ok || !third.Published.Equal(came.Add(time.Hour)) || !third.After.Equal(came) {
		t.Errorf("u3 came at %+v, %v", third, ok)
	}
	if _, ok := s.First("zlib1g", "1:1.3-2+deb13u1"); ok {
		t.Error("what was there from the beginning came")
	}
}
