package index

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/distro/debian/content"
)

func FuzzIndex(f *testing.F) {
	sha := strings.Repeat("0", 64)
	f.Add([]byte("Package: aa\nVersion: 1\nArchitecture: all\nFilename: pool/aa.deb\nSize: 1\nSHA256: " + sha + "\nProvides: b (= 1), cc\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var packages []Package
		err := Parse(bytes.NewReader(data), "debian", func(p Package) { packages = append(packages, p) })
		for _, p := range packages {
			if !ValidPath(p.Path) || strings.Contains("/"+p.Path+"/", "/../") || !content.ValidSHA256(p.SHA256) || p.Size <= 0 {
				t.Fatalf("accepted %+v", p)
			}
			if got := data[p.Offset:][:p.Length]; !bytes.Contains(got, []byte("Package:")) {
				t.Fatalf("the stanza of %s is %q", p.Name, got)
			}
		}
		if err == nil {
			_, _ = New(packages)
		}
	})
}

func FuzzRelease(f *testing.F) {
	f.Add([]byte("Codename: a\nDate: Sat, 21 Nov 2026 09:15:44 UTC\nSHA256:\n " + strings.Repeat("0", 64) + " 1 a/b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = Verify(data, nil, time.Unix(0, 0))
		if r, err := ParseRelease(data); err == nil && r.Date.IsZero() {
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
