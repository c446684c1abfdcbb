package fat

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

// volumeOf is a file system as bytes.
func volumeOf(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var all []File
	for path, text := range files {
		all = append(all, File{path, strings.NewReader(text)})
	}
	image, err := Build(all, Options{Epoch: time.Unix(1735689600, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return bytesOf(t, image)
}

func bytesOf(t testing.TB, image disk.Image) []byte {
	t.Helper()
	text := make([]byte, image.Size())
	if _, err := image.ReadAt(text, 0); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return text
}

func TestOpenFileReadsWhatBuildWrote(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 60_000)
	v := volumeOf(t, map[string]string{"EFI/BOOT/BOOTX64.EFI": large, "EFI/a file with a long name.config": "long", "empty": ""})
	for path, want := range map[string]string{
		"EFI/BOOT/BOOTX64.EFI": large, "efi/boot/bootx64.efi": large, "EFI/A File with a long name.config": "long", "EMPTY": "",
	} {
		f, err := OpenFile(bytes.NewReader(v), int64(len(v)), path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if got, err := io.ReadAll(f); err != nil || string(got) != want {
			t.Errorf("%s has %d bytes, want %d (%v)", path, len(got), len(want), err)
		}
	}
	for _, path := range []string{"EFI/none", "none/x", "EFI/BOOT/BOOTX64.EFI/x"} {
		if _, err := OpenFile(bytes.NewReader(v), int64(len(v)), path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := OpenFile(bytes.NewReader(v), int64(len(v)), "EFI"); err == nil {
		t.Error("a folder was opened")
	}
}

func TestOpenFileRefuses(t *testing.T) {
	v := volumeOf(t, map[string]string{"a": "b"})
	for name, test := range map[string]struct {
		change func(b []byte) []byte
		want   fault.Kind
	}{
		"nothing":          {func([]byte) []byte { return nil }, fault.Integrity},
		"no mark":          {func(b []byte) []byte { b[510] = 0; return b }, fault.Invalid},
		"FAT16":            {func(b []byte) []byte { b[22] = 9; return b }, fault.Invalid},
		"cut":              {func(b []byte) []byte { return b[:1<<20] }, fault.Integrity},
		"no cluster size":  {func(b []byte) []byte { b[13] = 0; return b }, fault.Integrity},
		"odd cluster size": {func(b []byte) []byte { b[13] = 3; return b }, fault.Integrity},
		"odd sectors":      {func(b []byte) []byte { b[12] = 3; return b }, fault.Integrity},
		"no tables":        {func(b []byte) []byte { b[16] = 0; return b }, fault.Integrity},
	} {
		b := test.change(bytes.Clone(v))
		if _, err := OpenFile(bytes.NewReader(b), int64(len(b)), "a"); fault.KindOf(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEndlessChain has a file and a folder whose clusters lead in a circle.
func TestEndlessChain(t *testing.T) {
	v := volumeOf(t, map[string]string{"dir/a": strings.Repeat("x", 3000)})
	tables := reserved * sector
	for cluster := 2; cluster < 9; cluster++ {
		v[tables+4*cluster] = byte(cluster)
		clear(v[tables+4*cluster+1 : tables+4*cluster+4])
	}
	f, err := OpenFile(bytes.NewReader(v), int64(len(v)), "dir/a")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, f); err != nil || n != 3000 {
		t.Errorf("%d bytes (%v)", n, err)
	}
	if _, err := OpenFile(bytes.NewReader(v), int64(len(v)), "dir/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzOpenFile(f *testing.F) {
	v := volumeOf(f, map[string]string{"EFI/BOOT/BOOTX64.EFI": "program", "EFI/a long name of a file": "x"})
	head, data := v[:sector], v[len(v)-(1<<20):]
	f.Add(head, v[reserved*sector:reserved*sector+sector], data[:0])
	f.Fuzz(func(_ *testing.T, head, table, data []byte) {
		b := append(append(bytes.Clone(head), make([]byte, max(0, reserved*sector-len(head)))...), append(bytes.Clone(table), data...)...)
		if file, err := OpenFile(bytes.NewReader(b), int64(len(b)), "EFI/BOOT/BOOTX64.EFI"); err == nil {
			_, _ = io.Copy(io.Discard, file)
		}
	})
}
