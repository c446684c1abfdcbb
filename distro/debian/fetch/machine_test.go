package fetch_test

import (
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/bakelite/bakelite/distro/debian/fetch"
)

func TestMachineMirrors(t *testing.T) {
	root := fstest.MapFS{
		"etc/apt/sources.list":                 {Data: []byte("# deb http://commented.example/debian trixie main\ndeb [arch=amd64 signed-by=/x] https://one.example/debian/ trixie main\ndeb-src http://src.example/debian trixie main\ndeb cdrom:[x]/ trixie main\n")},
		"etc/apt/sources.list.d/a.sources":     {Data: []byte("Types: deb deb-src\nURIs: http://two.example/debian http://three.example/debian\nSuites: trixie trixie-updates\n# note\nComponents: main\n\nTypes: deb\nURIs: http://two.example/sec\nSuites: trixie-security\n\nEnabled: no\nTypes: deb\nURIs: http://off.example/\nSuites: trixie\n")},
		"etc/apt/sources.list.d/other.list":    {Data: []byte("deb https://vendor.example/apt nodistro main\n")},
		"etc/apt/sources.list.d/b.sources":     {Data: []byte("Types: deb\nURIs: http://two.example/debian/\nSuites: trixie-backports\n")},
		"etc/apt/sources.list.d/broken.source": {Data: []byte("nonsense")},
	}
	want := map[string][]string{
		"debian":          {"https://one.example/debian", "http://two.example/debian", "http://three.example/debian"},
		"debian-security": {"http://two.example/sec"},
	}
	if got := fetch.MachineMirrors(root); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if got := fetch.MachineMirrors(fstest.MapFS{}); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
