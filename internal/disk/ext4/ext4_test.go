package ext4

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"

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
	fill(t, tree)
	for _, options := range []string{"-b 4096 -O metadata_csum", "-b 1024", "-b 4096 -O ^64bit,^flex_bg", "-b 4096 -I 128"} {
		t.Run(options, func(t *testing.T) {
			file := mke2fs(t, tree, strings.Fields(options)...)
			compare(t, open(t, file), tree)
			// e2fsck gives large folders an index; its exit code 1 says that it changed something.
			out, err := exec.Command("/usr/sbin/e2fsck", "-fyD", file).CombinedOutput()
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() > 1 {
				t.Fatalf("e2fsck: %v\n%s", err, out)
			}
			compare(t, open(t, file), tree)
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

// TestIsAFileSystem has the standard library's tester look at it.
func TestIsAFileSystem(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "tree/etc/empty"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "tree/etc/hosts"), []byte("text"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "tree/none"), nil, 0o644))
	if err := fstest.TestFS(open(t, mke2fs(t, filepath.Join(dir, "tree"))), "etc/hosts", "etc/empty", "none"); err != nil {
		t.Error(err)
	}
}

// fill makes a tree of all that a file system can hold.
func fill(t *testing.T, tree string) {
	t.Helper()
	random := make([]byte, 700_001) // more than two blocks, and a piece
	for i := range random {
		random[i] = byte(rand.Uint32() >> 24)
	}
	for name, text := range map[string]string{
		"etc/hosts": "127.0.0.1 localhost\n", "etc/empty": "", "usr/bin/su": "program", "big": string(random),
		"even": string(bytes.Repeat([]byte("0123456789abcdef"), 16384*2)), "attributes": "x", "usr/bin/ping": "x", "other/ping": "x",
	} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(tree, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(tree, name), []byte(text), 0o644))
	}
	for i := range 900 { // lists and inodes of more than one metadata block
		must(t, os.MkdirAll(filepath.Join(tree, "many"), 0o755))
		must(t, os.WriteFile(filepath.Join(tree, "many", fmt.Sprintf("file-with-a-long-name-%04d", i)), []byte(fmt.Sprint("text ", i)), 0o600))
	}
	hole, err := os.Create(filepath.Join(tree, "hole"))
	must(t, err)
	_, err = hole.WriteAt([]byte("end"), 3<<20)
	must(t, errors.Join(err, hole.Close()))
	must(t, os.Symlink("../etc/hosts", filepath.Join(tree, "usr/link")))
	must(t, os.Symlink(strings.Repeat("long/", 60)+"target", filepath.Join(tree, "usr/long")))
	must(t, os.Link(filepath.Join(tree, "big"), filepath.Join(tree, "twin")))
	must(t, unix.Mknod(filepath.Join(tree, "b"), unix.S_IFBLK|0o666, int(unix.Mkdev(254, 300))))
	must(t, unix.Mknod(filepath.Join(tree, "c"), unix.S_IFCHR|0o600, int(unix.Mkdev(4095, 70000))))
	must(t, unix.Mkfifo(filepath.Join(tree, "pipe"), 0o622))
	must(t, unix.Mknod(filepath.Join(tree, "socket"), unix.S_IFSOCK|0o700, 0))
	must(t, os.Lchown(filepath.Join(tree, "usr/link"), 7, 70001))
	must(t, os.Chown(filepath.Join(tree, "usr/bin/su"), 70000, 42))
	must(t, unix.Chmod(filepath.Join(tree, "usr/bin/su"), 0o6755))
	must(t, os.MkdirAll(filepath.Join(tree, "tmp"), 0o755))
	must(t, unix.Chmod(filepath.Join(tree, "tmp"), 0o3777))
	capability := string([]byte{1, 0, 0, 2, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	for name, attributes := range map[string]map[string]string{
		"attributes":   {"user.a": "1", "user.b": strings.Repeat("long ", 90), "trusted.c": "", "security.capability": capability},
		"usr/bin/ping": {"security.capability": capability},
		"other/ping":   {"security.capability": capability, "user.b": strings.Repeat("long ", 90)},
		"tmp":          {"trusted.overlay.opaque": "y"},
	} {
		for key, value := range attributes {
			must(t, unix.Setxattr(filepath.Join(tree, name), key, []byte(value), 0))
		}
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

// compare wants a file system to hold what a folder of this machine holds.
func compare(t *testing.T, f *FS, tree string) {
	t.Helper()
	seen := 0
	must(t, fs.WalkDir(f, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == "lost+found" {
			return nil
		}
		seen++
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if got, want := describe(t, f, name, info), onDisk(t, filepath.Join(tree, name)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
		return nil
	}))
	want := 0
	must(t, filepath.WalkDir(tree, func(string, fs.DirEntry, error) error { want++; return nil }))
	if seen != want {
		t.Errorf("%d names, want %d", seen, want)
	}
}

func describe(t *testing.T, f *FS, name string, info fs.FileInfo) string {
	t.Helper()
	s := info.Sys().(*Stat)
	text := ""
	if info.Mode().IsRegular() {
		b, err := fs.ReadFile(f, name)
		must(t, err)
		text = string(b)
	}
	return line(info.Mode(), s.UID, s.GID, s.Major, s.Minor, s.Target, s.Xattrs, text)
}

func onDisk(t *testing.T, path string) string {
	t.Helper()
	var s unix.Stat_t
	must(t, unix.Lstat(path, &s))
	info, err := os.Lstat(path)
	must(t, err)
	target, text := "", ""
	if info.Mode().IsRegular() {
		b, err := os.ReadFile(path)
		must(t, err)
		text = string(b)
	}
	var major, minor uint32
	if info.Mode()&fs.ModeDevice != 0 {
		major, minor = unix.Major(s.Rdev), unix.Minor(s.Rdev)
	}
	attributes := map[string]string{}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err = os.Readlink(path)
		must(t, err)
	} else {
		names := make([]byte, 4096)
		n, err := unix.Llistxattr(path, names)
		must(t, err)
		for _, key := range strings.FieldsFunc(string(names[:n]), func(r rune) bool { return r == 0 }) {
			value := make([]byte, 4096)
			n, err := unix.Lgetxattr(path, key, value)
			must(t, err)
			attributes[key] = string(value[:n])
		}
	}
	return line(info.Mode(), s.Uid, s.Gid, major, minor, target, attributes, text)
}

func line(mode fs.FileMode, uid, gid, major, minor uint32, target string, attributes map[string]string, text string) string {
	if len(text) > 40 {
		text = fmt.Sprintf("%d bytes, %x", len(text), sum(text))
	}
	return fmt.Sprintf("%v %d:%d %d/%d %q %q %q", mode, uid, gid, major, minor, target, fmt.Sprint(attributes), text)
}

func sum(text string) (n uint64) {
	for i := range len(text) {
		n = n*1099511628211 + uint64(text[i])
	}
	return n
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
	f.Fuzz(func(t *testing.T, head []byte) {
		text := append(bytes.Clone(head[:min(len(head), changed)]), whole[changed:2*changed]...)
		s, err := Open(bytes.NewReader(text), int64(len(whole)))
		if err != nil {
			return
		}
		entries := 0
		_ = fs.WalkDir(s, ".", func(name string, entry fs.DirEntry, err error) error {
			if entries++; entries > 1000 || strings.Count(name, "/") > 20 {
				return fs.SkipAll
			}
			if err == nil && entry.Type().IsRegular() {
				if f, err := s.Open(name); err == nil {
					_, _ = io.CopyN(io.Discard, f, 1<<20)
				}
			}
			return nil
		})
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
