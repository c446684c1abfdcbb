package debian_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/distro/debian/control"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

func demo() []archivetest.Package {
	return []archivetest.Package{
		{Name: "nginx", Version: "1.26-1", Fields: "Depends: zlib1g (>= 1:1.2)\nSource: nginx-src (1.26)\n", Entries: []tar.Header{file("usr/sbin/nginx")}},
		{Name: "zlib1g", Version: "1:1.3-2", Fields: "Essential: yes\nPriority: required\n"},
	}
}

func TestSnapshot(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	s, err := a.client(debian.Options{}).Snapshot(context.Background(), "trixie", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != 3 || len(s.Archives) != 3 || s.Archives[0].Name != "debian" || !s.Archives[0].Date.Equal(released) {
		t.Errorf("got %d packages, archives %v", s.Len(), s.Archives)
	}
	if s.Archives[2].InRelease != archivetest.Sum(a.Files["dists/trixie-security/InRelease"]) {
		t.Errorf("the InRelease is not pinned by its digest: %v", s.Archives[2])
	}
	if s.Distribution != (lock.Distribution{Name: "debian", Release: "13"}) {
		t.Errorf("the distribution is %+v", s.Distribution)
	}
	newest := s.Package("zlib1g")
	if newest.Version != "1:1.3-2+deb13u1" || newest.Archive != "debian-security" {
		t.Errorf("the newest zlib1g is %+v", newest.Pin)
	}
	nginx := s.Find("nginx", "1.26-1", "amd64")
	if nginx == nil || nginx.Source != "nginx-src" || nginx.SourceVersion != "1.26" || s.Find("nginx", "1", "") != nil {
		t.Errorf("got %+v", nginx)
	}
	if raw, err := s.Stanza(nginx); err != nil || !bytes.HasPrefix(raw, []byte("Package: nginx\n")) || !bytes.HasSuffix(raw, []byte("Description: test\n")) {
		t.Errorf("stanza %q, %v", raw, err)
	}
	if got := s.Nearest("ngnix"); len(got) == 0 || got[0] != "nginx" {
		t.Errorf("nearest: %v", got)
	}
}

// TestSnapshotRefuses changes the archive and wants the error's kind and words
// that say what is wrong and in which suite.
func TestSnapshotRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(a *localArchive)
		kind   fault.Kind
		want   string
	}{
		{"unsigned", func(a *localArchive) {
			a.Change("dists/trixie/InRelease", func([]byte) []byte { return []byte("Suite: trixie\n") })
		}, fault.Integrity, "does not start with an OpenPGP signed message"},
		{"signed by another key", func(a *localArchive) {
			a.Release("trixie", archivetest.Release{Signer: archivetest.NewKey(a.t)})
		}, fault.Integrity, "signature does not hold"},
		{"tampered text", func(a *localArchive) {
			a.Change("dists/trixie/InRelease", func(b []byte) []byte { return bytes.Replace(b, []byte("Origin: Test"), []byte("Origin: Evil"), 1) })
		}, fault.Integrity, "signature does not hold"},
		{"text before the signed part", func(a *localArchive) {
			a.Change("dists/trixie/InRelease", func(b []byte) []byte { return append([]byte("Origin: Evil\n"), b...) })
		}, fault.Integrity, "does not start"},
		{"text after the signed part", func(a *localArchive) {
			a.Change("dists/trixie/InRelease", func(b []byte) []byte { return append(b, "\nOrigin: Evil\n"...) })
		}, fault.Integrity, "text outside"},
		{"cut signature", func(a *localArchive) {
			a.Change("dists/trixie/InRelease", func(b []byte) []byte { return b[:len(b)-80] })
		}, fault.Integrity, "malformed"},
		{"endless", func(a *localArchive) {
			a.Change("dists/trixie/InRelease", func(b []byte) []byte { return append(b, make([]byte, 5<<20)...) })
		}, fault.Integrity, "larger than the limit"},
		{"another suite", func(a *localArchive) {
			a.Release("trixie", archivetest.Release{Codename: "bookworm"})
		}, fault.Integrity, `index of "bookworm"`},
		{"no version", func(a *localArchive) {
			a.Release("trixie", archivetest.Release{Version: "testing"})
		}, fault.Integrity, `has the version "testing": want a number`},
		{"expired", func(a *localArchive) {
			a.Release("trixie-security", archivetest.Release{ValidUntil: today.Add(-time.Second)})
		}, fault.Integrity, "expired on 2026-11-22"},
		{"from the future", func(a *localArchive) {
			a.Release("trixie", archivetest.Release{Date: today.Add(61 * time.Minute)})
		}, fault.Integrity, "in the future"},
		{"wrong hash on Packages", func(a *localArchive) {
			a.Change(a.Find("dists/trixie/main/binary-amd64/by-hash"), func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
		}, fault.Integrity, "its SHA-256 is"},
		{"longer Packages", func(a *localArchive) {
			a.Change(a.Find("dists/trixie/main/binary-amd64/by-hash"), func(b []byte) []byte { return append(b, 0) })
		}, fault.Integrity, "bytes (or more)"},
		{"cut gzip with the right hash", func(a *localArchive) {
			whole := archivetest.Gzipped(bytes.Repeat([]byte("Package: a\n"), 1000))
			a.Release("trixie", archivetest.Release{Packed: whole[:len(whole)-10], Packages: bytes.Repeat([]byte("Package: a\n"), 1000)})
		}, fault.Integrity, "unpacking main/binary-amd64/Packages.gz"},
		{"gzip of something else", func(a *localArchive) {
			a.Release("trixie", archivetest.Release{Packed: archivetest.Gzipped([]byte("Package: b\n")), Packages: []byte("Package: a\n")})
		}, fault.Integrity, "unpacking"},
		{"gzip bomb", func(a *localArchive) {
			a.Release("trixie", archivetest.Release{Packed: archivetest.Gzipped(make([]byte, 1<<20)), Packages: []byte("Package: a\n")})
		}, fault.Integrity, "bytes (or more)"},
		{"huge stanza", func(a *localArchive) {
			a.Release("trixie", archivetest.Release{Packages: []byte("Package: " + strings.Repeat("a", control.MaxStanza))})
		}, fault.Integrity, "larger than the limit"},
		{"path out of the archive", func(a *localArchive) {
			a.Release("trixie", archivetest.Release{Packages: []byte("Package: aa\nVersion: 1\nArchitecture: all\nSize: 1\nSHA256: " + archivetest.Sum(nil) + "\nFilename: pool/../../x\n")})
		}, fault.Integrity, "leaves the archive"},
		{"gone", func(a *localArchive) {
			a.Mu.Lock()
			defer a.Mu.Unlock()
			clear(a.Files)
		}, fault.Network, "404"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newLocalArchive(t, demo()...)
			test.change(a)
			_, err := a.client(debian.Options{}).Snapshot(context.Background(), "trixie", "amd64")
			if fault.KindOf(err) != test.kind || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got kind %d: %v; want kind %d: %s", fault.KindOf(err), err, test.kind, test.want)
			}
			if !strings.Contains(err.Error(), "trixie") {
				t.Errorf("it does not say which suite: %v", err)
			}
		})
	}
}

func TestSkewAndValidUntilAreAccepted(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	a.Release("trixie-updates", archivetest.Release{Date: today.Add(59 * time.Minute), ValidUntil: today.Add(time.Second)})
	if _, err := a.client(debian.Options{}).Snapshot(context.Background(), "trixie", "amd64"); err != nil {
		t.Error(err)
	}
}

func TestRollbackIsRefusedAndTheNewerStateKept(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	c := a.client(debian.Options{})
	ctx := context.Background()
	old := bytes.Clone(a.Files["dists/trixie/InRelease"])
	a.Release("trixie", archivetest.Release{Date: released.Add(time.Hour)}, demo()...)
	if _, err := c.Snapshot(ctx, "trixie", "amd64"); err != nil {
		t.Fatal(err)
	}
	now := bytes.Clone(a.Files["dists/trixie/InRelease"])
	a.Change("dists/trixie/InRelease", func([]byte) []byte { return old })
	_, err := c.Snapshot(ctx, "trixie", "amd64")
	if fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), "older than") || fault.HintOf(err) == "" {
		t.Fatalf("got %v", err)
	}
	a.Change("dists/trixie/InRelease", func([]byte) []byte { return now })
	if _, err := c.Snapshot(ctx, "trixie", "amd64"); err != nil {
		t.Errorf("the newer state is refused: %v", err)
	}
}

// TestRollbackOnAFreshMachine: where nothing was seen before, an index that is
// older than the one that a lock was made by is refused all the same.
func TestRollbackOnAFreshMachine(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	locked := []lock.Archive{{Name: "debian", Suite: "trixie", Date: released.Add(time.Second)}, {Name: "debian", Suite: "bookworm", Date: today}}
	c := a.client(debian.Options{})
	_, err := c.Current(t.Context(), "trixie", "amd64", debian.Since{Archives: locked})
	if fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), "a stale mirror or a rollback attack") || !strings.Contains(fault.HintOf(err), "--insecure-allow-rollback") {
		t.Fatalf("got %v (%s)", err, fault.HintOf(err))
	}
	locked[0].Date = released
	if _, err := c.Current(t.Context(), "trixie", "amd64", debian.Since{Archives: locked}); err != nil {
		t.Errorf("the index that it was made by: %v", err)
	}
	// On purpose, and against what this machine saw as well.
	old := bytes.Clone(a.Files["dists/trixie/InRelease"])
	a.Release("trixie", archivetest.Release{Date: released.Add(time.Hour)}, demo()...)
	if _, err := c.Snapshot(t.Context(), "trixie", "amd64"); err != nil {
		t.Fatal(err)
	}
	a.Change("dists/trixie/InRelease", func([]byte) []byte { return old })
	locked[0].Date = released.Add(time.Hour)
	s, err := c.Current(t.Context(), "trixie", "amd64", debian.Since{Archives: locked, Rollback: true})
	if err != nil || !s.Archives[0].Date.Equal(released) {
		t.Errorf("asked for: %v", err)
	}
}

func TestUnknownSuiteArchAndMirror(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	ctx := context.Background()
	if _, err := a.client(debian.Options{}).Snapshot(ctx, "sarge", "amd64"); fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
		t.Errorf("suite: %v", err)
	}
	if _, err := a.client(debian.Options{}).Snapshot(ctx, "trixie", "vax"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("architecture: %v", err)
	}
	c, err := debian.New(debian.Options{Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Snapshot(ctx, "trixie", "amd64")
	if fault.KindOf(err) != fault.Missing || !strings.Contains(fault.HintOf(err), "mirrors.debian") {
		t.Errorf("mirror: %v, %s", err, fault.HintOf(err))
	}
}

func TestNextMirrorIsTriedAndTheFirstReported(t *testing.T) {
	good, bad := newLocalArchive(t, demo()...), newLocalArchive(t, demo()...)
	bad.Key = good.Key
	for _, suite := range []string{"trixie", "trixie-updates", "trixie-security"} {
		bad.Files["dists/"+suite+"/InRelease"] = good.Files["dists/"+suite+"/InRelease"]
	}
	bad.Change(bad.Find("dists/trixie/main/binary-amd64/by-hash"), func(b []byte) []byte { b[9] ^= 1; return b })
	var reported []error
	c := good.client(debian.Options{Report: func(err error) { reported = append(reported, err) }}, bad.URL, "http://127.0.0.1:1")
	if _, err := c.Snapshot(context.Background(), "trixie", "amd64"); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, err := range reported {
		all.WriteString(err.Error() + "\n")
	}
	if !strings.Contains(all.String(), bad.URL) || !strings.Contains(all.String(), "SHA-256") || !strings.Contains(all.String(), "refused") {
		t.Errorf("reported: %s", all.String())
	}
}

func TestNetworkDownKeepsTheCache(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	cache, keys := t.TempDir(), a.Keyring()
	ctx := context.Background()
	if _, err := a.client(debian.Options{Cache: cache, Keyring: keys}).Snapshot(ctx, "trixie", "amd64"); err != nil {
		t.Fatal(err)
	}
	url := a.URL
	a.URL = "http://127.0.0.1:1"
	_, err := a.client(debian.Options{Cache: cache, Keyring: keys}).Snapshot(ctx, "trixie", "amd64")
	if fault.KindOf(err) != fault.Network || fault.HintOf(err) == "" {
		t.Fatalf("got %v", err)
	}
	a.URL = url
	a.Asked = nil
	if _, err := a.client(debian.Options{Cache: cache, Keyring: keys}).Snapshot(ctx, "trixie", "amd64"); err != nil {
		t.Fatal(err)
	}
	for _, path := range a.Asked {
		if strings.Contains(path, "by-hash") {
			t.Errorf("the cache was not used: %s", path)
		}
	}
}

// TestFilesInUseStay takes a snapshot while another process works with its
// files: they stay the same ones, by which apt's folder is known, with the same
// dates, by which apt knows its lists.
func TestFilesInUseStay(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	cache := t.TempDir()
	c := a.client(debian.Options{Cache: cache})
	var before []os.FileInfo
	for range 2 {
		if _, err := c.Snapshot(t.Context(), "trixie", "amd64"); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(cache, "sha256", "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%v, %v", files, err)
		}
		var now []os.FileInfo
		for _, f := range files {
			info, err := os.Stat(f)
			if err != nil {
				t.Fatal(err)
			}
			now = append(now, info)
		}
		same := func(a, b os.FileInfo) bool { return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) }
		if before != nil && !slices.EqualFunc(before, now, same) {
			t.Errorf("of %d files some are others now", len(now))
		}
		before = now
	}
}

func TestDamagedCacheIsFetchedAgain(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	cache := t.TempDir()
	c := a.client(debian.Options{Cache: cache})
	ctx := context.Background()
	if _, err := c.Snapshot(ctx, "trixie", "amd64"); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(cache, "sha256", "*"))
	for _, f := range files {
		if err := os.WriteFile(f, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Snapshot(ctx, "trixie", "amd64")
	if err != nil || s.Len() != 3 {
		t.Errorf("got %v", err)
	}
}

// TestUnusedIsForgotten ages all that the cache holds by a year. What the next
// snapshot reads stays, and with it what keeps an older index out.
func TestUnusedIsForgotten(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	dir := t.TempDir()
	c := a.client(debian.Options{Cache: dir})
	if _, err := c.Snapshot(t.Context(), "trixie", "amd64"); err != nil {
		t.Fatal(err)
	}
	unused := filepath.Join(dir, "sha256", strings.Repeat("0", 64))
	for _, file := range []string{unused, filepath.Join(dir, "tmp", "left")} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	glob := func() string {
		all, _ := filepath.Glob(filepath.Join(dir, "*", "*"))
		return strings.Join(all, "\n")
	}
	before := glob()
	then := time.Now().AddDate(-1, 0, 0)
	for file := range strings.Lines(before) {
		if err := os.Chtimes(strings.TrimSpace(file), then, then); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Snapshot(t.Context(), "trixie", "amd64"); err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("\n"+filepath.Join(dir, "tmp", "left"), "", unused+"\n", "").Replace(before)
	if got := glob(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCancelled(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := a.client(debian.Options{}).Snapshot(ctx, "trixie", "amd64"); fault.KindOf(err) != fault.Cancelled {
		t.Errorf("got %v", err)
	}
}

func TestFileMirror(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	root := t.TempDir()
	for path, data := range a.Files {
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a.URL = "file://" + root
	if _, err := a.client(debian.Options{}).Snapshot(context.Background(), "trixie", "amd64"); err != nil {
		t.Error(err)
	}
}

// xzPackages is an index of one package, packed with xz 5.4.
const xzPackages = "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4ACPAIZdACgYSGbb2jCF/hbfX5cipEVVD3cA4OUXJFxmH+aqabjf0IphW17ig7ZWZBqOMgQuyo64BBT4mYUl2TBsRvPzOx31kFTZmdwqImEzVE8+qWlqJbJw5RCQHrFNs3ez6isq3gV7hlMe+6PpoVG9Ai5oCb21N/4AFOczOi5e01/KPnvZmf6uAsHgAAAALeASidCdlHwAAaIBkAEAABvGYxaxxGf7AgAAAAAEWVo="

func TestXZIsTheFallback(t *testing.T) {
	packed, err := base64.StdEncoding.DecodeString(xzPackages)
	if err != nil {
		t.Fatal(err)
	}
	plain := []byte("Package: aa\nVersion: 1\nArchitecture: all\nFilename: pool/aa.deb\nSize: 1\nSHA256: " + archivetest.Sum(nil) + "\n")
	for _, r := range []archivetest.Release{
		{Packages: plain, XZ: packed, NoGzip: true},
		{Packages: plain, XZ: packed, Packed: []byte("no gzip")},
	} {
		a := newLocalArchive(t)
		a.Release("trixie", r)
		s, err := a.client(debian.Options{}).Snapshot(context.Background(), "trixie", "amd64")
		if err != nil || s.Package("aa") == nil {
			t.Errorf("got %v", err)
		}
	}
}

// TestIndexOfTwoProcesses: what another process put into the cache stays there,
// which may be about to read it.
func TestIndexOfTwoProcesses(t *testing.T) {
	a, cache := newLocalArchive(t, demo()...), t.TempDir()
	var others []string
	for path, content := range a.Files {
		if !strings.Contains(path, "/by-hash/SHA256/") {
			continue
		}
		other := filepath.Join(cache, "sha256", archivetest.Sum(content))
		if err := errors.Join(os.MkdirAll(filepath.Dir(other), 0o700), os.WriteFile(other, content, 0o600)); err != nil {
			t.Fatal(err)
		}
		others = append(others, other)
	}
	if _, err := a.client(debian.Options{Cache: cache}).Snapshot(t.Context(), "trixie", "amd64"); err != nil {
		t.Fatal(err)
	}
	for _, other := range others {
		if _, err := os.Stat(other); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(cache, "tmp")); err != nil || len(left) > 0 || len(others) == 0 {
		t.Errorf("left %v of %d indexes, %v", left, len(others), err)
	}
}

// TestRivals: two packages cannot both be what one alone may be; what merely
// provides something that another one provides too is beside it.
func TestRivals(t *testing.T) {
	a := newLocalArchive(t,
		archivetest.Package{Name: "timesyncd", Version: "1", Fields: "Provides: time-daemon, clock (= 1)\nConflicts: time-daemon\n"},
		archivetest.Package{Name: "chrony", Version: "1", Fields: "Provides: time-daemon\nConflicts: time-daemon\n"},
		archivetest.Package{Name: "watch", Version: "1", Fields: "Provides: clock\n"})
	s, err := a.client(debian.Options{}).Snapshot(t.Context(), "trixie", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	for others, want := range map[string]bool{"chrony": true, "watch chrony": true, "watch": false, "timesyncd": false, "missing": false, "": false} {
		if got, err := s.Rivals("timesyncd", strings.Fields(others)); err != nil || got != want {
			t.Errorf("beside %q: %t, %v", others, got, err)
		}
	}
	if got, err := s.Rivals("missing", []string{"chrony"}); err != nil || got {
		t.Errorf("a package that is not there has rivals, %v", err)
	}
}
