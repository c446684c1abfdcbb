package ext4

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/disk/inodes/inodestest"
	"github.com/bakelite/bakelite/internal/fault"
)

// TestWhatMke2fsWrote reads back all that a tree can hold: kinds, modes, owners,
// devices, attributes, holes and many files; and folders with an index.
func TestWhatMke2fsWrote(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: device nodes and owners are made as root")
	}
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	inodestest.Fill(t, tree, strings.Repeat("long ", 90))
	for _, options := range []string{"-b 4096 -O metadata_csum", "-b 1024", "-b 4096 -O ^64bit,^flex_bg", "-b 4096 -I 128"} {
		t.Run(options, func(t *testing.T) {
			file := mke2fs(t, tree, strings.Fields(options)...)
			inodestest.Compare(t, open(t, file), tree)
			// e2fsck gives large folders an index; its exit code 1 says that it changed something.
			out, err := exec.Command("/usr/sbin/e2fsck", "-fyD", file).CombinedOutput()
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() > 1 {
				t.Fatalf("e2fsck: %v\n%s", err, out)
			}
			inodestest.Compare(t, open(t, file), tree)
		})
	}
}

func mke2fs(t testing.TB, tree string, options ...string) string {
	t.Helper()
	if _, err := os.Stat("/usr/sbin/mke2fs"); err != nil {
		t.Skip("NOT TESTED: mke2fs is not installed")
	}
	file := filepath.Join(t.TempDir(), "ext4")
	args := append(append([]string{"-q", "-t", "ext4", "-d", tree}, options...), file, "40M")
	if out, err := exec.Command("/usr/sbin/mke2fs", args...).CombinedOutput(); err != nil {
		t.Fatalf("mke2fs: %v\n%s", err, out)
	}
	return file
}

func TestIsAFileSystem(t *testing.T) {
	inodestest.Standard(t, func(tree string) fs.FS { return open(t, mke2fs(t, tree)) })
}

func open(t testing.TB, file string) *FS {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	f, err := Open(bytes.NewReader(text), int64(len(text)))
	must(t, err)
	return f
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "etc"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "etc/hosts"), []byte("text"), 0o644))
	text, err := os.ReadFile(mke2fs(t, dir, "-b", "4096"))
	must(t, err)
	for name, test := range map[string]struct {
		change func(b []byte) []byte
		want   fault.Kind
	}{
		"cut":                   {func(b []byte) []byte { return b[:2048] }, fault.Integrity},
		"nothing":               {func([]byte) []byte { return nil }, fault.Integrity},
		"no magic":              {func(b []byte) []byte { b[1024+0x38] = 0; return b }, fault.Integrity},
		"larger than all":       {func(b []byte) []byte { b[1024+7] = 1; return b }, fault.Integrity},
		"large blocks":          {func(b []byte) []byte { b[1024+0x18] = 9; return b }, fault.Integrity},
		"no groups":             {func(b []byte) []byte { clear(b[1024+0x28 : 1024+0x2C]); return b }, fault.Integrity},
		"a journal to replay":   {func(b []byte) []byte { b[1024+0x60] |= recover; return b }, fault.Invalid},
		"groups of metadata":    {func(b []byte) []byte { b[1024+0x60] |= metaBG; return b }, fault.Invalid},
		"data in inodes":        {func(b []byte) []byte { b[1024+0x61] |= 0x80; return b }, fault.Invalid},
		"unused table":          {func(b []byte) []byte { clear(b[4096 : 4096*2]); return b }, fault.Integrity},
		"inodes of a few bytes": {func(b []byte) []byte { b[1024+0x58], b[1024+0x59] = 8, 0; return b }, fault.Integrity},
	} {
		b := test.change(bytes.Clone(text))
		f, err := Open(bytes.NewReader(b), int64(len(b)))
		if err == nil {
			err = fs.WalkDir(f, ".", func(_ string, _ fs.DirEntry, err error) error { return err })
		}
		if fault.KindOf(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzRead changes what a small file system begins with and walks it.
func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	must(f, os.MkdirAll(filepath.Join(dir, "etc"), 0o755))
	must(f, os.WriteFile(filepath.Join(dir, "etc/hosts"), []byte("text"), 0o4755))
	must(f, os.Symlink("hosts", filepath.Join(dir, "etc/link")))
	whole, err := os.ReadFile(mke2fs(f, dir, "-b", "1024", "-N", "16", "-O", "^has_journal,^resize_inode"))
	must(f, err)
	const changed = 32 << 10 // superblock, groups, bitmaps, inodes and folders
	f.Add(whole[:changed])
	f.Fuzz(func(_ *testing.T, head []byte) {
		text := append(bytes.Clone(head[:min(len(head), changed)]), whole[changed:2*changed]...)
		s, err := Open(bytes.NewReader(text), int64(len(whole)))
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
