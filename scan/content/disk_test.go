package content

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/disk/format"
	"github.com/bakelite/bakelite/internal/disk/gpt"
	"github.com/bakelite/bakelite/internal/disk/imagefile"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/content/made"
	"github.com/bakelite/bakelite/scan/protocol"
)

// TestDisk reads back what mksquashfs, mke2fs and Bakelite's own writers
// wrote, byte for byte, and knows both formats as the same content.
func TestDisk(t *testing.T) {
	dir := t.TempDir()
	tree := made.Debian(made.Package("openssl", "3.5.1-1", ""))
	tree["usr/share/large"] = strings.Repeat("0123456789abcdef", 80_000)
	tree["etc/empty"] = ""
	made.Folder(t, filepath.Join(dir, "tree"), tree)
	want := map[string]string{}
	for name, text := range tree {
		want[name] = text
	}
	for _, form := range []string{"raw", "qcow2"} {
		file := filepath.Join(dir, form)
		made.Disk(t, filepath.Join(dir, "tree"), file, form)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := OpenDisk(t.Context(), file, made.Digest(text), protocol.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := readAll(t, a)
		for name, text := range want {
			if got[name] != text {
				t.Errorf("%s: %s has %d bytes, want %d", form, name, len(got[name]), len(text))
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d files, want %d", form, len(got), len(want))
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if _, err := OpenDisk(t.Context(), file, made.Digest([]byte("other")), protocol.Limits{}); fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s: another digest: %v", form, err)
		}
	}
}

func readAll(t *testing.T, a Artifact) map[string]string {
	t.Helper()
	got := map[string]string{}
	_, err := a.Trees[0].Walk(t.Context(), func(f File) error {
		r, err := f.Open()
		if err != nil {
			return err
		}
		text, err := io.ReadAll(r)
		got[f.Path] = string(text)
		return errors.Join(err, r.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestDisksThatAreRefused(t *testing.T) {
	types, err := gpt.TypesOf("amd64")
	if err != nil {
		t.Fatal(err)
	}
	part := func(kind disk.GUID, n byte) gpt.Partition {
		return gpt.Partition{Label: string(rune('a' + n)), Type: kind, ID: disk.GUID{n + 1}, Content: strings.NewReader("not a file system")}
	}
	tests := []struct {
		name, says string
		parts      []gpt.Partition
	}{
		{"no root", "no root", []gpt.Partition{part(types.Linux, 0)}},
		{"usr alone", "no root", []gpt.Partition{part(types.Usr, 0)}},
		{"two roots", "two partitions", []gpt.Partition{part(types.Root, 0), part(types.Root, 1)}},
		{"no file system", "opening /", []gpt.Partition{part(types.Root, 0)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := gpt.Disk{ID: disk.GUID{7}, Partitions: test.parts}
			d.Size = d.MinSize()
			file := filepath.Join(t.TempDir(), "disk")
			if err := os.WriteFile(file, write(t, d, "raw"), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := OpenDisk(t.Context(), file, "", protocol.Limits{})
			if fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

func write(t testing.TB, d gpt.Disk, form string) []byte {
	t.Helper()
	m, err := gpt.Build(d)
	if err != nil {
		t.Fatal(err)
	}
	f, err := format.Lookup(form)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := imagefile.Write(context.Background(), &b, f, m, imagefile.Meta{ID: d.ID}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func FuzzPartitions(f *testing.F) {
	types, err := gpt.TypesOf("amd64")
	if err != nil {
		f.Fatal(err)
	}
	d := gpt.Disk{ID: disk.GUID{7}, Partitions: []gpt.Partition{{Label: "root", Type: types.Root, ID: disk.GUID{1}, Content: strings.NewReader("x")}}}
	d.Size = d.MinSize()
	f.Add(write(f, d, "raw")[:34*sector], d.Size)
	f.Fuzz(func(t *testing.T, text []byte, size int64) {
		found, err := partitions(bytes.NewReader(text), size)
		for _, p := range found {
			if err != nil || p.offset < 0 || p.bytes <= 0 || p.offset+p.bytes > size {
				t.Errorf("%+v on a disk of %d bytes, %v", p, size, err)
			}
		}
	})
}

// pieces is a file of which only these parts exist.
type pieces map[int64][]byte

func (p pieces) ReadAt(b []byte, off int64) (int, error) {
	for at, text := range p {
		if off >= at && off < at+int64(len(text)) {
			return copy(b, text[off-at:]), nil
		}
	}
	return 0, io.EOF
}

func FuzzQCOW2(f *testing.F) {
	d := gpt.Disk{ID: disk.GUID{7}, Partitions: []gpt.Partition{{Label: "a", Type: disk.GUID{1}, ID: disk.GUID{1}, Content: strings.NewReader("x")}}}
	d.Size = d.MinSize()
	text := write(f, d, "qcow2")
	f.Add(text[:qcow2Header], text[3*cluster:3*cluster+64], text[4*cluster:4*cluster+64], int64(0))
	f.Fuzz(func(t *testing.T, header, l1, l2 []byte, off int64) {
		q, err := openQCOW2(pieces{0: header, 3 * cluster: l1, 4 * cluster: l2})
		if err != nil {
			return
		}
		n, err := q.ReadAt(make([]byte, 3*sector), off)
		if n < 3*sector && err == nil {
			t.Errorf("%d bytes and no error", n)
		}
	})
}
