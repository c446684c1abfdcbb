package treefs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func newTree(t *testing.T) (*FS, string) {
	t.Helper()
	dir := t.TempDir()
	tree, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	return tree, dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestResolve: links lead where they will once the tree is the root, and never
// out of it.
func TestResolve(t *testing.T) {
	tree, dir := newTree(t)
	must(t, os.MkdirAll(filepath.Join(dir, "usr/lib/deep"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "usr/file"), nil, 0o644))
	for name, target := range map[string]string{
		"lib": "usr/lib", "abs": "/usr/lib/deep", "up": "../../../../usr", "outside": "/../../etc/../usr/./lib//deep/", "usr/lib/back": "..",
		"one": "two", "two": "one", "self": "self/x", "top": "/", "usr/none": "absent/../file", "hop": "abs/../back/file",
	} {
		must(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	for in, want := range map[string]string{
		"": ".", "/": ".", "..": ".", "/../..": ".", "usr": "usr", "/lib": "usr/lib", "lib/x": "usr/lib/x", "abs": "usr/lib/deep", "up/lib": "usr/lib",
		"outside": "usr/lib/deep", "lib/back": "usr", "lib/back/back": "usr/back", "top/top/lib": "usr/lib", "absent/x/../y": "absent/y", "usr/file/x": "usr/file/x",
		"usr/none": "usr/file", "hop": "usr/file", "a//b/./c": "a/b/c",
	} {
		if got, err := tree.Resolve(in); err != nil || got != want {
			t.Errorf("%q leads to %q (%v), want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"one", "two/x", "self"} {
		if got, err := tree.Resolve(in); !errors.Is(err, ErrLinks) {
			t.Errorf("%q leads to %q (%v)", in, got, err)
		}
	}
	if got, err := tree.Resolve(strings.Repeat("abc/", 2000)); err == nil {
		t.Errorf("a long path leads to %d bytes", len(got))
	}
	if got, err := tree.Place("lib/back"); err != nil || got != "usr/lib/back" {
		t.Errorf("the link lies at %q (%v)", got, err)
	}
}

// TestGlob reads patterns as a shell does.
func TestGlob(t *testing.T) {
	tree, dir := newTree(t)
	for _, name := range []string{"var/log/a.log", "var/log/.hidden", "var/log/sub/b.log", "etc/rc0.d/x", "etc/rcS.d/x", "etc/rc/x"} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	must(t, os.Symlink("/var", filepath.Join(dir, "link")))
	for pattern, want := range map[string]string{
		"var/log/*": "var/log/a.log var/log/sub", "etc/rc?.d": "etc/rc0.d etc/rcS.d", "var/*/*/b.log": "var/log/sub/b.log", "link": "link", "link/log/*.log": "var/log/a.log",
		"none": "", "none/*": "", "var/log/a.log/*": "", "var/log/.h*": "var/log/.hidden",
	} {
		if got, err := tree.Glob(pattern); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v; want %q", pattern, got, err, want)
		}
	}
	if _, err := tree.Glob("var/["); err == nil {
		t.Error("a pattern without an end was read")
	}
}

// TestCompare visits each entry once, folders first, with what was there.
func TestCompare(t *testing.T) {
	tree, dir := newTree(t)
	before, old := newTree(t)
	for _, name := range []string{"a/b/c", "a/x", "b"} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	must(t, os.Symlink("/", filepath.Join(dir, "a/link")))
	must(t, os.MkdirAll(filepath.Join(old, "a"), 0o755))
	must(t, os.WriteFile(filepath.Join(old, "a/b"), nil, 0o644)) // a file, where the tree has a folder
	must(t, os.WriteFile(filepath.Join(old, "only"), nil, 0o644))
	var got []string
	must(t, tree.Compare(before, func(e *Entry, was *unix.Stat_t) error {
		mark := " new"
		if was != nil {
			mark = ""
		}
		got = append(got, e.Path+mark)
		return nil
	}))
	if want := []string{".", "a", "b new", "a/b", "a/link new", "a/x new", "a/b/c new"}; !slices.Equal(got, want) {
		t.Errorf("visited %q, want %q", got, want)
	}
	got = nil
	must(t, tree.Walk(func(e *Entry, _ *unix.Stat_t) error {
		got = append(got, e.Path)
		if e.Path == "a" {
			return fs.SkipDir
		}
		return nil
	}))
	if want := []string{".", "a", "b"}; !slices.Equal(got, want) {
		t.Errorf("visited %q, want %q", got, want)
	}
	stop := errors.New("stop")
	if err := tree.Walk(func(*Entry, *unix.Stat_t) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

// TestFilesOnly: what is no file is never read, however long a pipe would make
// us wait.
func TestFilesOnly(t *testing.T) {
	tree, dir := newTree(t)
	must(t, unix.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	must(t, os.Symlink("file", filepath.Join(dir, "link")))
	must(t, os.WriteFile(filepath.Join(dir, "file"), []byte("12345"), 0o644))
	for _, name := range []string{"pipe", "link", ".", "none"} {
		if text, err := tree.ReadFile(name, 10); err == nil {
			t.Errorf("%s holds %q", name, text)
		}
	}
	if _, err := tree.ReadFile("file", 4); err == nil {
		t.Error("more was read than the limit lets")
	}
	if text, err := tree.Head("file", 4); err != nil || string(text) != "1234" {
		t.Errorf("the head is %q (%v)", text, err)
	}
}

// TestRewriteIsANewFile: another name of a file keeps its content.
func TestRewriteIsANewFile(t *testing.T) {
	tree, dir := newTree(t)
	must(t, os.WriteFile(filepath.Join(dir, "a"), []byte("old"), 0o604))
	must(t, os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "b")))
	must(t, tree.Rewrite("a", []byte("new")))
	if text, err := os.ReadFile(filepath.Join(dir, "b")); err != nil || string(text) != "old" {
		t.Errorf("the other name has %q (%v)", text, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "a")); err != nil || info.Mode().Perm() != 0o604 {
		t.Errorf("got %v, %v", info, err)
	}
	if !tree.Changed("a") || !tree.Changed(".") || tree.Changed("b") {
		t.Error("it is not known what was changed")
	}
}

func TestShow(t *testing.T) {
	for in, want := range map[string]string{"/srv/web": "/srv/web", "ü x": "ü x", "a\nb": `"a\nb"`, "\xff": `"\xff"`, `a"b`: `"a\"b"`, `a\b`: `"a\\b"`} {
		if got := Show(in); got != want {
			t.Errorf("%q is shown as %s", in, got)
		}
	}
}
