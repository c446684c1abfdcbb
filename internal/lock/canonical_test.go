package lock_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/bakelite/bakelite/internal/lock"
)

// TestWhatIsWrittenIsReadQuickly holds the quick reader to the form that is
// written, with every key there is.
func TestWhatIsWrittenIsReadQuickly(t *testing.T) {
	bare := sample()
	bare.Base, bare.Images, bare.Files, bare.Archives, bare.Packages = nil, nil, nil, []lock.Archive{}, lock.Layers{Seed: []lock.Pin{}}
	for _, l := range []*lock.Lock{sample(), bare} {
		data, err := l.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if quick := lock.Quick(data); !reflect.DeepEqual(quick, l) {
			t.Errorf("got %+v of\n%s", quick, data)
		}
	}
}

// TestOtherFormsAreReadStrictly gives the quick reader what only looks right.
func TestOtherFormsAreReadStrictly(t *testing.T) {
	data, err := sample().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"app: web", "app: true"}, {"app: web", "app: 5"}, {"app: web", "app:  web"}, {"app: web", "app: web # mine"}, {"app: web", "app: web\napp: web"},
		{"app: web", "name: web"}, {"app: web\n", ""}, {"kind: Lock", "kind: \"Lo\\x63k\""}, {"size: 42}", "size: \"42\"}"}, {"size: 42}", "size: 042}"},
		{"size: 42}", "size: 42, size: 42}"}, {", size: 42}", "}"}, {"size: 42}", "size: 42} "}, {"arch: amd64", "arch: null"}, {"arch: amd64", "port: amd64"},
		{"executable: true", "executable: yes"}, {"  seed:", "  sead:"}, {"  app:", "  seed:"}, {"    - {name: apt", "    - {name: &a apt"}, {"\n", "\r\n"},
		{"\nfiles:", "\n\nfiles:"}, {"date: \"2026-11-21T09:15:44Z\"", "date: 2026-11-21T09:15:44Z"}, {"packages:", "packages: {}"},
	} {
		changed := bytes.Replace(data, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(changed, data) {
			t.Errorf("%q is not in it", change[0])
		}
		if quick := lock.Quick(changed); quick != nil {
			t.Errorf("%q for %q is read quickly: %+v", change[1], change[0], quick)
		}
	}
}
