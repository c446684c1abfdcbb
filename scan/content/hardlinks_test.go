package content

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/content/made"
	"github.com/bakelite/bakelite/scan/protocol"
)

// entry is one of an archive, with its content.
type entry struct {
	tar.Header
	text string
}

func link(name, target string) entry {
	return entry{Header: tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: target}}
}

func file(name, text string) entry {
	return entry{tar.Header{Name: name, Mode: 0o640, Size: int64(len(text)), Typeflag: tar.TypeReg}, text}
}

func archive(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func contents(t *testing.T, limits protocol.Limits, entries ...entry) (map[string]string, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "image")
	a, err := OpenImage(dir, made.Image(t, dir, made.Gzip(t, archive(t, entries...))), limits)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	_, err = a.Trees[0].Walk(t.Context(), func(f File) error {
		r, err := f.Open()
		if err != nil {
			return err
		}
		text, err := io.ReadAll(r)
		if filepath.Base(f.Path) != f.Info.Name() || int64(len(text)) != f.Info.Size() {
			t.Errorf("%s is called %s and has %d bytes of %d", f.Path, f.Info.Name(), len(text), f.Info.Size())
		}
		got[f.Path] = string(text)
		return errors.Join(err, r.Close())
	})
	return got, err
}

// TestNamesThatAreHardLinks: a list of packages, or a program, that has its
// telling name by a hard link alone is read under it, through links to links
// and however many and large they are.
func TestNamesThatAreHardLinks(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", maxHeld/16+1)
	cont := file("srv/cont", "c")
	cont.Typeflag = tar.TypeCont
	got, err := contents(t, protocol.Limits{},
		file("tmp/x", "status"), link("var/lib/dpkg/status", "tmp/x"), link("./opt/also", "/var/lib/dpkg/status"),
		file("tmp/large", large), link("opt/1", "tmp/large"), link("opt/2", "tmp/large"), link("opt/3", "opt/2"),
		entry{Header: tar.Header{Name: "bin/sh", Typeflag: tar.TypeSymlink, Linkname: "dash"}}, link("bin/ash", "bin/sh"), cont)
	want := map[string]string{
		"tmp/x": "status", "var/lib/dpkg/status": "status", "opt/also": "status",
		"tmp/large": large, "opt/1": large, "opt/2": large, "opt/3": large, "srv/cont": "c",
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v", err)
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%s has %d bytes: want %d", name, len(got[name]), len(want[name]))
			}
		}
		for name := range got {
			if _, ok := want[name]; !ok {
				t.Errorf("%s was not expected", name)
			}
		}
	}
}

// TestHardLinksThatAreRefused: one that hides its content from the scan, and
// those that make much of little.
func TestHardLinksThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		limits  protocol.Limits
		entries []entry
	}{
		"to nothing":       {protocol.Limits{}, []entry{file("a", "1"), link("b", "c")}},
		"to itself":        {protocol.Limits{}, []entry{link("b", "b")}},
		"through a folder": {protocol.Limits{}, []entry{file("a/x", "1"), {Header: tar.Header{Name: "d", Typeflag: tar.TypeSymlink, Linkname: "a"}}, link("b", "d/x")}},
		"out of the tree":  {protocol.Limits{}, []entry{link("b", "../../etc/passwd")}},
		"a bomb":           {protocol.Limits{TreeBytes: 10 << 10}, []entry{file("a", strings.Repeat("x", 4<<10)), link("b", "a"), link("c", "a")}},
	} {
		if got, err := contents(t, test.limits, test.entries...); fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s: %v, and %d files", name, err, len(got))
		}
	}
}
