package squashfs

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

// TestWhatMksquashfsWrote reads back, in each compression, all that a tree can
// hold: kinds, modes, owners, devices, attributes, holes and many files.
func TestWhatMksquashfsWrote(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: device nodes and owners are made as root")
	}
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	fill(t, tree)
	for _, options := range []string{"gzip", "xz", "zstd", "zstd -noI -noD -noF -noX", "zstd -no-fragments", "gzip -b 4096", "zstd -always-use-fragments"} {
		t.Run(options, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "squash")
			mksquashfs(t, append([]string{tree, file, "-noappend", "-quiet", "-no-progress", "-xattrs", "-comp"}, strings.Fields(options)...)...)
			f := open(t, file)
			compare(t, f, tree)
		})
	}
}

// TestIsAFileSystem has the standard library's tester look at it.
func TestIsAFileSystem(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "tree/etc/empty"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "tree/etc/hosts"), []byte("text"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "tree/none"), nil, 0o644))
	mksquashfs(t, filepath.Join(dir, "tree"), filepath.Join(dir, "squash"), "-noappend", "-quiet")
	if err := fstest.TestFS(open(t, filepath.Join(dir, "squash")), "etc/hosts", "etc/empty", "none"); err != nil {
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
		"attributes":   {"user.a": "1", "user.b": strings.Repeat("long ", 200), "trusted.c": "", "security.capability": capability},
		"usr/bin/ping": {"security.capability": capability},
		"other/ping":   {"security.capability": capability, "user.b": strings.Repeat("long ", 200)},
		"tmp":          {"trusted.overlay.opaque": "y"},
	} {
		for key, value := range attributes {
			must(t, unix.Setxattr(filepath.Join(tree, name), key, []byte(value), 0))
		}
	}
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

// compare wants a file system to hold what a folder of this machine holds.
func compare(t *testing.T, f *FS, tree string) {
	t.Helper()
	seen := 0
	must(t, fs.WalkDir(f, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
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
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Open(bytes.NewReader(text), int64(len(text)))
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
