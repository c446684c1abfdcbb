package debian

import (
	"testing"

	"github.com/bakelite/bakelite/distro/debian/index"
)

func TestParsePlan(t *testing.T) {
	known, err := index.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &Snapshot{index: known}
	a := &index.Package{}
	a.Name, a.Version, a.Arch, a.Archive, a.Path = "libx", "1:2+b3", "amd64", "debian", "pool/libx_2+b3.deb"
	known.ByName["libx"] = []*index.Package{a}
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
