package squashfs

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
)

// TestRoundTrip has this package and squashfs-tools read what was written; the
// kernel does in the tests of runners/machine.
func TestRoundTrip(t *testing.T) {
	program := bytes.Repeat([]byte("0123456789"), 31_000) // three blocks
	files := []File{{Path: "proc", Mode: 0o555}, {Path: "bin", Mode: 0o755}, {Path: "bin/check", Mode: 0o755, Content: program}, {Path: "order.json", Mode: 0o644, Content: []byte{}}}
	text, err := Write(files)
	must(t, err)
	again, err := Write(files)
	if err != nil || !bytes.Equal(text, again) || len(text)%unit != 0 {
		t.Errorf("%d bytes, and %d: %v", len(text), len(again), err)
	}
	f, err := Open(bytes.NewReader(text), int64(len(text)))
	must(t, err)
	for name, want := range map[string]fs.FileMode{".": fs.ModeDir | 0o755, "proc": fs.ModeDir | 0o555, "bin/check": 0o755, "order.json": 0o644} {
		if info, err := f.Lstat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if got, err := fs.ReadFile(f, "bin/check"); err != nil || !bytes.Equal(got, program) {
		t.Errorf("the program has %d bytes (%v)", len(got), err)
	}
	unsquashfs, err := exec.LookPath("unsquashfs")
	if err != nil {
		t.Skip("NOT TESTED: unsquashfs is not installed")
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "image"), text, 0o644))
	if out, err := exec.Command(unsquashfs, "-q", "-n", "-d", filepath.Join(dir, "tree"), filepath.Join(dir, "image")).CombinedOutput(); err != nil {
		t.Fatalf("unsquashfs: %v\n%s", err, out)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "tree/bin/check")); err != nil || !bytes.Equal(got, program) {
		t.Errorf("unsquashfs gives %d bytes (%v)", len(got), err)
	}
}

func TestWriteRefuses(t *testing.T) {
	many := []File{}
	for i := range 500 {
		many = append(many, File{Path: strings.Repeat("x", i%200+1) + string(rune('a'+i/200)), Content: []byte{1}})
	}
	for name, files := range map[string][]File{
		"a name twice": {{Path: "a"}, {Path: "a"}}, "no folder": {{Path: "a/b"}}, "in a file": {{Path: "a", Content: []byte{1}}, {Path: "a/b"}},
		"the root": {{Path: "."}}, "out": {{Path: "../a"}}, "too many": many,
	} {
		if _, err := Write(files); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
