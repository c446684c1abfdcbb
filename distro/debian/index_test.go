package debian

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func FuzzIndex(f *testing.F) {
	sha := strings.Repeat("0", 64)
	f.Add([]byte("Package: aa\nVersion: 1\nArchitecture: all\nFilename: pool/aa.deb\nSize: 1\nSHA256: " + sha + "\nProvides: b (= 1), cc\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var packages []Package
		err := parseIndex(bytes.NewReader(data), "debian", func(p Package) { packages = append(packages, p) })
		for _, p := range packages {
			if !validPath(p.Path) || strings.Contains("/"+p.Path+"/", "/../") || !validSHA256(p.SHA256) || p.Size <= 0 {
				t.Fatalf("accepted %+v", p)
			}
			if got := data[p.offset:][:p.length]; !bytes.Contains(got, []byte("Package:")) {
				t.Fatalf("the stanza of %s is %q", p.Name, got)
			}
		}
		if err == nil {
			_, _ = newIndex(packages)
		}
	})
}

func FuzzRelease(f *testing.F) {
	f.Add([]byte("Codename: a\nDate: Sat, 21 Nov 2026 09:15:44 UTC\nSHA256:\n " + strings.Repeat("0", 64) + " 1 a/b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = verify(data, nil, time.Unix(0, 0))
		if r, err := parseRelease(data); err == nil && r.date.IsZero() {
			t.Fatal("accepted no date")
		}
	})
}

func TestParseDate(t *testing.T) {
	for text, ok := range map[string]bool{
		"Sat, 21 Nov 2026 09:15:44 UTC": true, "Sat, 21 Nov 2026 09:15:44 +0000": true, "Sun,  1 Nov 2026 09:15:44 UTC": true,
		"Sat, 21 Nov 2026 09:15:44 +0200": false, "2026-11-21": false, "": false,
	} {
		if _, err := parseDate(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParsePlan(t *testing.T) {
	index, err := newIndex(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &Snapshot{index: index}
	a := &Package{}
	a.Name, a.Version, a.Arch, a.Archive, a.Path = "libx", "1:2+b3", "amd64", "debian", "pool/libx_2+b3.deb"
	index.byName["libx"] = []*Package{a}
	for out, n := range map[string]int{
		"Reading package lists...\n'http://archive.invalid/debian/pool/libx_2%2bb3.deb' libx_1%3a2+b3_amd64.deb 12 SHA256:00\n": 1,
		"'http://archive.invalid/debian/pool/libx_2+b3.deb' libx_1%3a2+b3_amd64.deb 12 \n":                                      1,
		"":                              0,
		"Building dependency tree...\n": 0,
		removals + "  liby libz\n":      -1,
		"'http://archive.invalid/other/pool/libx_2+b3.deb' libx_1%3a2+b3_amd64.deb 12 \n": -1,
		"'http://archive.invalid/debian/pool/libx_2+b3.deb' libx_1%3a2_amd64.deb 12 \n":   -1,
		"'http://archive.invalid/debian/pool/libx_2+b3.deb' libx\n":                       -1,
		"'\n": -1,
	} {
		pins, err := s.parsePlan([]byte(out))
		if got := len(pins); err == nil && got != n || (err != nil) != (n < 0) {
			t.Errorf("%q: got %v, %v", out, pins, err)
		}
	}
}

// TestRemovedUnderAnotherProcess: one process finds a damaged file while another
// puts the good one in its place. What the first does next takes nothing away.
func TestRemovedUnderAnotherProcess(t *testing.T) {
	s := store{dir: t.TempDir()}
	for _, dir := range []string{"sha256", "tmp"} {
		if err := os.Mkdir(filepath.Join(s.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	good := []byte("the content")
	want := entryOf(good)
	if err := os.WriteFile(s.path(want.sha256), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s.verified(want) {
		t.Error("a damaged file is verified")
	}
	if _, err := os.Stat(s.path(want.sha256)); err != nil {
		t.Errorf("what has the name by then may be the good one: %v", err)
	}
	if err := s.put(bytes.NewReader(good), want); err != nil || !s.verified(want) {
		t.Errorf("it stays damaged (%v)", err)
	}
}
