package lock_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"testing"

	"github.com/bakelite/bakelite/internal/digests"
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

// TestLocksShareLayers reads two locks whose layers are the same but for one
// package: each has its own, what follows is no part of it, and who adds to a
// layer adds to no other's.
func TestLocksShareLayers(t *testing.T) {
	one, other := sample(), sample()
	other.App, other.Packages.App[0].Version = "shop", "99"
	r := &lock.Reader{}
	var read [2]*lock.Lock
	for i, l := range []*lock.Lock{one, other} {
		data, err := l.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "app.lock")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if read[i], err = r.Read(path); err != nil || !reflect.DeepEqual(read[i], l) || read[i].Digest() != digests.Of(data) {
			t.Fatalf("got %+v, %v", read[i], err)
		}
	}
	if &read[0].Packages.Seed[0] != &read[1].Packages.Seed[0] {
		t.Error("the same layer is read twice")
	}
	seed := len(read[0].Packages.Seed)
	_ = append(read[0].Packages.Seed, lock.Pin{Name: "a"})
	_ = append(read[1].Packages.Seed, lock.Pin{Name: "b"})
	if got := append(read[0].Packages.Seed, lock.Pin{Name: "c"}); cap(read[0].Packages.Seed) != seed || got[seed].Name != "c" {
		t.Error("there is room behind a layer that others have too")
	}
}

// TestLayersOutOfOrder gives the quick reader entries that each are right.
func TestLayersOutOfOrder(t *testing.T) {
	l := sample()
	data, err := l.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^    - .*\n`).Find(data)
	for name, changed := range map[string][]byte{
		"the same package twice":  bytes.Replace(data, line, append(bytes.Clone(line), line...), 1),
		"a note between two":      bytes.Replace(data, line, append(append(bytes.Clone(line), "# note\n"...), line...), 1),
		"an entry of no layer":    append(append(bytes.Clone(data[:bytes.Index(data, []byte("packages:"))]), line...), data[bytes.Index(data, []byte("packages:")):]...),
		"behind the last newline": append(bytes.Clone(data), '\n'),
	} {
		if quick := lock.Quick(changed); quick != nil {
			t.Errorf("%s: read quickly: %+v", name, quick)
		}
	}
}

// TestOddNamesAreEscaped writes names that mean something inside of quotes.
func TestOddNamesAreEscaped(t *testing.T) {
	l := sample()
	l.Files = nil
	for _, name := range []string{`a "b"`, `a\b`, "caf\u00e9", "~tab"} {
		l.Files = append(l.Files, lock.File{Path: name, SHA256: digest})
	}
	data, err := l.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range l.Files {
		if want := "path: " + strconv.Quote(f.Path) + ","; !bytes.Contains(data, []byte(want)) {
			t.Errorf("%s is not in\n%s", want, data)
		}
	}
}
