package squashfs

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/disk/inodes/inodestest"
	"github.com/bakelite/bakelite/internal/fault"
)

// TestWhatMksquashfsWrote reads back, in each compression, all that a tree can
// hold: kinds, modes, owners, devices, attributes, holes and many files.
func TestWhatMksquashfsWrote(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: device nodes and owners are made as root")
	}
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	inodestest.Fill(t, tree, strings.Repeat("long ", 200))
	for _, options := range []string{"gzip", "xz", "zstd", "zstd -noI -noD -noF -noX", "zstd -no-fragments", "gzip -b 4096", "zstd -always-use-fragments"} {
		t.Run(options, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "squash")
			mksquashfs(t, append([]string{tree, file, "-noappend", "-quiet", "-no-progress", "-xattrs", "-comp"}, strings.Fields(options)...)...)
			f := open(t, file)
			inodestest.Compare(t, f, tree)
		})
	}
}

func TestIsAFileSystem(t *testing.T) {
	inodestest.Standard(t, func(tree string) fs.FS {
		file := filepath.Join(t.TempDir(), "squash")
		mksquashfs(t, tree, file, "-noappend", "-quiet")
		return open(t, file)
	})
}

func mksquashfs(t testing.TB, args ...string) {
	t.Helper()
	path, err := exec.LookPath("mksquashfs")
	if err != nil {
		t.Skip("NOT TESTED: mksquashfs is not installed")
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		t.Fatalf("mksquashfs: %v\n%s", err, out)
	}
}

func open(t testing.TB, file string) *FS {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	f, err := Open(bytes.NewReader(text), int64(len(text)))
	must(t, err)
	return f
}

func TestDamageIsAnErrorThatSaysSo(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "tree/etc"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "tree/etc/hosts"), []byte("text"), 0o644))
	mksquashfs(t, filepath.Join(dir, "tree"), filepath.Join(dir, "squash"), "-noappend", "-quiet", "-comp", "zstd")
	text, err := os.ReadFile(filepath.Join(dir, "squash"))
	must(t, err)
	for name, change := range map[string]func(b []byte) []byte{
		"cut":             func(b []byte) []byte { return b[:100] },
		"nothing":         func([]byte) []byte { return nil },
		"no magic":        func(b []byte) []byte { b[0] = 0; return b },
		"larger than all": func(b []byte) []byte { b[44] = 1; return b },
		"small blocks":    func(b []byte) []byte { b[22] = 3; return b },
		"no owners":       func(b []byte) []byte { b[26] = 0; return b },
		"far root":        func(b []byte) []byte { b[38] = 0x7f; return b },
		"far inodes":      func(b []byte) []byte { b[70] = 0x7f; return b },
		"far folders":     func(b []byte) []byte { b[78] = 0x7f; return b },
		"far attributes":  func(b []byte) []byte { b[58], b[63] = 1, 0; return b },
	} {
		b := change(bytes.Clone(text))
		f, err := Open(bytes.NewReader(b), int64(len(b)))
		if err == nil {
			err = fs.WalkDir(f, ".", func(_ string, _ fs.DirEntry, err error) error { return err })
		}
		if fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s: %v", name, err)
		}
	}
	for compression, want := range map[byte]fault.Kind{2: fault.Invalid, 3: fault.Invalid, 5: fault.Invalid, 9: fault.Invalid} {
		b := bytes.Clone(text)
		b[20] = compression
		if _, err := Open(bytes.NewReader(b), int64(len(b))); fault.KindOf(err) != want || fault.HintOf(err) == "" {
			t.Errorf("compression %d: %v", compression, err)
		}
	}
}

// FuzzRead walks what it takes for a file system, as far as a scan would.
func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	must(f, os.MkdirAll(filepath.Join(dir, "tree/etc"), 0o755))
	must(f, os.WriteFile(filepath.Join(dir, "tree/etc/hosts"), []byte("text"), 0o4755))
	must(f, os.Symlink("hosts", filepath.Join(dir, "tree/etc/link")))
	if os.Geteuid() == 0 {
		must(f, unix.Setxattr(filepath.Join(dir, "tree/etc/hosts"), "user.a", []byte("b"), 0))
	}
	for _, options := range []string{"-noI -noD -noF -noX", "-no-fragments -noI -noX", ""} {
		file := filepath.Join(dir, "squash")
		mksquashfs(f, append([]string{filepath.Join(dir, "tree"), file, "-noappend", "-quiet", "-comp", "zstd"}, strings.Fields(options)...)...)
		text, err := os.ReadFile(file)
		must(f, err)
		f.Add(text[:4096])
	}
	f.Fuzz(func(_ *testing.T, text []byte) {
		s, err := Open(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			return
		}
		inodestest.Walk(s)
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
