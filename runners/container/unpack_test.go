package container

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/bakelite/bakelite/internal/limit"
)

type item struct {
	name string
	kind byte
	text string // content, or a link's target
}

func tarOf(t *testing.T, items ...item) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, i := range items {
		h := &tar.Header{Name: i.name, Typeflag: i.kind, Mode: 0o755}
		if i.kind == tar.TypeReg {
			h.Size = int64(len(i.text))
		} else {
			h.Linkname = i.text
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if i.kind == tar.TypeReg {
			if _, err := w.Write([]byte(i.text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpackAll applies layers to "image" below a folder with a file "victim".
func unpackAll(t *testing.T, layers ...[]byte) (dir string, err error) {
	t.Helper()
	outside := t.TempDir()
	dir = filepath.Join(outside, "image")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outside, "victim"), []byte("safe"), 0o644); err != nil {
		t.Fatal(err)
	}
	u, err := newUnpacker(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	for _, layer := range layers {
		if err == nil {
			err = u.apply(u.bounded(bytes.NewReader(layer)))
		}
	}
	untouched(t, outside)
	return dir, err
}

func untouched(t *testing.T, outside string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(outside, "victim"))
	if err != nil || string(data) != "safe" {
		t.Errorf("the file outside holds %q, %v", data, err)
	}
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 2 {
		t.Errorf("outside holds %v, %v", entries, err)
	}
}

func TestTraversal(t *testing.T) {
	tests := []struct {
		name  string
		items []item
		fails bool
	}{
		{"dot-dot", []item{{"../victim", tar.TypeReg, "evil"}}, true},
		{"dot-dot inside", []item{{"a/../../victim", tar.TypeReg, "evil"}}, true},
		{"absolute", []item{{"/victim", tar.TypeReg, "stays inside"}}, false},
		{"through a relative link", []item{{"up", tar.TypeSymlink, ".."}, {"up/victim", tar.TypeReg, "evil"}}, false},
		{"over a link", []item{{"l", tar.TypeSymlink, "../victim"}, {"l", tar.TypeReg, "evil"}}, false},
		{"hard link out", []item{{"l", tar.TypeLink, "../victim"}, {"l", tar.TypeReg, "evil"}}, true},
		{"hard link through a link", []item{{"up", tar.TypeSymlink, "../"}, {"l", tar.TypeLink, "up/victim"}}, true},
		{"whiteout of dot-dot", []item{{".wh...", tar.TypeReg, ""}}, true},
		{"whiteout through a link", []item{{"up", tar.TypeSymlink, ".."}, {"up/.wh.victim", tar.TypeReg, ""}}, false},
		{"opaque through a link", []item{{"up", tar.TypeSymlink, ".."}, {"up/.wh..wh..opq", tar.TypeReg, ""}}, false},
		{"folder over a link", []item{{"up", tar.TypeSymlink, ".."}, {"up", tar.TypeDir, ""}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := unpackAll(t, tarOf(t, tt.items...)); (err != nil) != tt.fails {
				t.Errorf("error %v, want one: %v", err, tt.fails)
			}
		})
	}
}

func TestAbsoluteLinksCountFromTheImage(t *testing.T) {
	outside := t.TempDir()
	dir, err := unpackAll(t, tarOf(t, item{"run", tar.TypeDir, ""}, item{"var/run", tar.TypeSymlink, "/run"},
		item{"var/run/pid", tar.TypeReg, "1"}, item{"esc", tar.TypeSymlink, outside}, item{"esc/x", tar.TypeReg, "1"}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "run/pid")); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 {
		t.Errorf("written outside: %v", left)
	}
}

func TestWhiteouts(t *testing.T) {
	dir, err := unpackAll(t,
		tarOf(t, item{"a", tar.TypeReg, ""}, item{"b/c", tar.TypeReg, ""}, item{"d/e", tar.TypeReg, ""}, item{"k/l", tar.TypeReg, ""}),
		tarOf(t, item{".wh.a", tar.TypeReg, ""}, item{"b/new", tar.TypeReg, ""}, item{"b/.wh..wh..opq", tar.TypeReg, ""},
			item{"k/sub/new", tar.TypeReg, ""}, item{"k/.wh..wh..opq", tar.TypeReg, ""}))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"a": false, "b/c": false, "b/new": true, "d/e": true, "k/l": false, "k/sub/new": true} {
		if _, err := os.Lstat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v, want it there: %v", name, err, want)
		}
	}
}

func TestSetUIDSurvivesTheChangeOfOwner(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "s", Typeflag: tar.TypeReg, Mode: 0o4755}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	dir, err := unpackAll(t, b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "s")); err != nil || info.Mode()&os.ModeSetuid == 0 {
		t.Errorf("mode %v, %v", info, err)
	}
}

// TestBombs gives the unpacker small budgets and larger layers.
func TestBombs(t *testing.T) {
	layer := tarOf(t, item{"a", tar.TypeReg, string(make([]byte, 5000))}, item{"b", tar.TypeReg, ""}, item{"c", tar.TypeReg, ""})
	tests := []struct {
		name    string
		squeeze func(*unpacker)
	}{
		{"bytes of a layer", func(u *unpacker) { u.bytes = 4096 }},
		{"bytes of files", func(u *unpacker) { u.content = 4096 }},
		{"files", func(u *unpacker) { u.entries = 2 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := newUnpacker(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer u.Close()
			tt.squeeze(u)
			err = u.apply(u.bounded(bytes.NewReader(layer)))
			var over *limit.Error
			if err == nil || tt.name != "files" && !errors.As(err, &over) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add("a/../b", byte(tar.TypeReg), "x", "l", byte(tar.TypeSymlink))
	f.Add("l/x", byte(tar.TypeReg), "..", "l", byte(tar.TypeSymlink))
	f.Add(".wh..", byte(tar.TypeReg), "/", ".", byte(tar.TypeLink))
	f.Fuzz(func(t *testing.T, name string, kind byte, target, linkName string, linkKind byte) {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		_ = w.WriteHeader(&tar.Header{Name: linkName, Typeflag: linkKind, Linkname: target, Mode: 0o755})
		_ = w.WriteHeader(&tar.Header{Name: name, Typeflag: kind, Linkname: target, Mode: 0o755})
		_ = w.Close()
		_, _ = unpackAll(t, b.Bytes())
	})
}
