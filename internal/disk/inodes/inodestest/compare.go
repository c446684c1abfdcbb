package inodestest

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/disk/inodes"
)

// Compare wants a file system to hold what a folder of this machine holds, with
// no other folder than lost+found beside it.
func Compare(t *testing.T, f fs.FS, tree string) {
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

func describe(t *testing.T, f fs.FS, name string, info fs.FileInfo) string {
	t.Helper()
	s := info.Sys().(*inodes.Stat)
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

// Walk reads as much of a damaged file system as a scan would.
func Walk(f fs.FS) {
	entries := 0
	_ = fs.WalkDir(f, ".", func(name string, entry fs.DirEntry, err error) error {
		if entries++; entries > 1000 || strings.Count(name, "/") > 20 {
			return fs.SkipAll
		}
		if err == nil && entry.Type().IsRegular() {
			if opened, err := f.Open(name); err == nil {
				_, _ = io.CopyN(io.Discard, opened, 1<<20)
			}
		}
		return nil
	})
}

// Standard has the standard library's tester look at the file system that open
// gives of a small tree.
func Standard(t *testing.T, open func(tree string) fs.FS) {
	t.Helper()
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "etc/empty"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "etc/hosts"), []byte("text"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "none"), nil, 0o644))
	if err := fstest.TestFS(open(dir), "etc/hosts", "etc/empty", "none"); err != nil {
		t.Error(err)
	}
}
