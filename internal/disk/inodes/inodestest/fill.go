// Package inodestest holds what the tests of file system readers have alike: a
// tree with all that a file system can hold, and its comparison with what is
// read back. It is imported by tests only.
package inodestest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Fill makes a tree of all that a file system can hold; long is the text of a
// large extended attribute. It needs root.
func Fill(t *testing.T, tree, long string) {
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
		"attributes":   {"user.a": "1", "user.b": long, "trusted.c": "", "security.capability": capability},
		"usr/bin/ping": {"security.capability": capability},
		"other/ping":   {"security.capability": capability, "user.b": long},
		"tmp":          {"trusted.overlay.opaque": "y"},
	} {
		for key, value := range attributes {
			must(t, unix.Setxattr(filepath.Join(tree, name), key, []byte(value), 0))
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
