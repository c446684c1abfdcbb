package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/capability"
)

// both are the same small tree in memory and on disk: folders end in a slash,
// links have their target behind "->".
func both(t *testing.T, names ...string) map[string]Tree {
	t.Helper()
	dir, m := t.TempDir(), New()
	for _, name := range names {
		name, target, link := strings.Cut(name, "->")
		at := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(at), 0o755))
		var err error
		switch {
		case link:
			must(t, os.Symlink(target, at))
			err = m.Add(name, Info{Mode: Link | 0o777, Target: target}, nil)
		case strings.HasSuffix(name, "/"):
			must(t, os.MkdirAll(at, 0o755))
			err = m.Add(strings.TrimSuffix(name, "/"), Info{Mode: Folder | 0o755}, nil)
		default:
			must(t, os.WriteFile(at, []byte(name), 0o644))
			err = m.Add(name, Info{Mode: Regular | 0o644, Size: int64(len(name))}, func() (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader(name)), nil
			})
		}
		must(t, err)
	}
	folder, err := OpenFolder(dir)
	must(t, err)
	t.Cleanup(func() { _ = folder.Close() })
	return map[string]Tree{"memory": m, "folder": folder}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestNothingIsBehindALink asks for names whose folders are links, or files.
func TestNothingIsBehindALink(t *testing.T) {
	for kind, tree := range both(t, "/etc/passwd", "/usr/", "/bin->usr", "/abs->/etc", "/up->../../etc", "/loop->loop", "/usr/x") {
		t.Run(kind, func(t *testing.T) {
			for _, name := range []string{"/bin/x", "/abs/passwd", "/up/passwd", "/loop/x", "/etc/passwd/x", "/none/x", "/none"} {
				_, lstat := tree.Lstat(name)
				_, open := tree.Open(name)
				_, list := tree.ReadDir(name)
				for _, err := range []error{lstat, open, list} {
					if !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
			if _, err := tree.ReadDir("/bin"); err == nil {
				t.Error("a link was listed")
			}
			if _, err := tree.Open("/bin"); err == nil {
				t.Error("a link was opened")
			}
			for _, name := range []string{"", "etc", "/etc/", "/etc/../usr", "/etc//passwd", "/a\x00b"} {
				if _, err := tree.Lstat(name); !errors.Is(err, fs.ErrInvalid) {
					t.Errorf("%q: %v", name, err)
				}
			}
		})
	}
}

func TestReadingATree(t *testing.T) {
	for kind, tree := range both(t, "/etc/b", "/etc/a", "/etc/c->../usr", "/usr/") {
		t.Run(kind, func(t *testing.T) {
			entries, err := tree.ReadDir("/etc")
			must(t, err)
			var got []string
			for _, e := range entries {
				got = append(got, fmt.Sprintf("%s %v %v %s", e.Name, e.Info.IsRegular(), e.Info.IsLink(), e.Info.Target))
			}
			if want := []string{"a true false ", "b true false ", "c false true ../usr"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if text, err := ReadFile(tree, "/etc/a", 6); err != nil || string(text) != "/etc/a" {
				t.Errorf("%q, %v", text, err)
			}
			if _, err := ReadFile(tree, "/etc/a", 5); err == nil {
				t.Error("more than the limit was read")
			}
			if info, err := tree.Lstat("/"); err != nil || !info.IsDir() {
				t.Errorf("the root is %v, %v", info, err)
			}
		})
	}
}

func TestFollowingLinks(t *testing.T) {
	names := []string{"/usr/lib/x", "/lib->usr/lib", "/abs->/usr", "/abs2->/lib", "/up->../../..", "/loop->loop", "/gone->usr/none", "/deep->lib/../lib/x", "/usr/self->."}
	for kind, tree := range both(t, names...) {
		t.Run(kind, func(t *testing.T) {
			for name, want := range map[string]string{
				"/": "/", "/lib/x": "/usr/lib/x", "/abs/lib/x": "/usr/lib/x", "/abs2/x": "/usr/lib/x", "/gone/y": "/usr/none/y", "/deep": "/usr/lib/x",
				"/usr/self/self/lib": "/usr/lib", "/nowhere/at/all": "/nowhere/at/all",
			} {
				if got, err := Real(tree, name); err != nil || got != want {
					t.Errorf("%s leads to %s, want %s (%v)", name, got, want, err)
				}
			}
			if _, err := Real(tree, "/up/usr"); !errors.Is(err, ErrClimbs) {
				t.Errorf("climbing: %v", err)
			}
			if got, err := Chroot(tree, "/up/usr"); err != nil || got != "/usr" {
				t.Errorf("climbing in a root of its own: %s, %v", got, err)
			}
			if _, err := Real(tree, "/loop"); !errors.Is(err, ErrLoops) {
				t.Errorf("a circle: %v", err)
			}
			if _, absolute, _ := Follow(tree, "/abs2/x"); !absolute {
				t.Error("an absolute link was not told")
			}
			for name, want := range map[string]bool{"/usr/lib/x": true, "/usr/none/x": true, "/lib/x": false, "/usr/lib/x/y": false, "/lib": true} {
				if got, err := Inside(tree, name); err != nil || got != want {
					t.Errorf("%s is inside: %v, %v", name, got, err)
				}
			}
		})
	}
}

// TestAllThatAFileCanHave reads modes with all bits, owners, devices and
// extended attributes off a real file system.
func TestAllThatAFileCanHave(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: device nodes and owners are made as root")
	}
	dir := t.TempDir()
	must(t, os.WriteFile(dir+"/su", nil, 0o600))
	must(t, os.Chown(dir+"/su", 7, 70000))
	must(t, unix.Chmod(dir+"/su", 0o6755))
	large := strings.Repeat("x", 3000) // more than is usual
	must(t, unix.Setxattr(dir+"/su", "user.a", []byte(large), 0))
	must(t, unix.Setxattr(dir+"/su", capability.Attribute, []byte("\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 0))
	must(t, unix.Mknod(dir+"/disk", unix.S_IFBLK|0o640, int(unix.Mkdev(254, 300))))
	must(t, unix.Mkfifo(dir+"/pipe", 0o622))
	folder, err := OpenFolder(dir)
	must(t, err)
	defer folder.Close()
	info, err := folder.Lstat("/su")
	must(t, err)
	if info.Mode != Regular|SetUID|SetGID|0o755 || info.UID != 7 || info.GID != 70000 || info.Xattrs["user.a"] != large || len(info.Xattrs[capability.Attribute]) != 20 {
		t.Errorf("got %+v", info)
	}
	if info, err := folder.Lstat("/disk"); err != nil || info.Node() != "b 254:300" || info.FileMode() != fs.ModeDevice|0o640 {
		t.Errorf("got %+v, %v", info, err)
	}
	for _, name := range []string{"/pipe", "/disk", "/"} { // a pipe would keep its reader waiting
		if _, err := folder.Open(name); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
}

func TestMemoryIsPutTogether(t *testing.T) {
	file := Info{Mode: Regular | 0o644}
	m := New()
	for _, name := range []string{"/a/b/c", "/a/d", "/e"} {
		must(t, m.Add(name, file, nil))
	}
	must(t, m.Link("/e", "/a/twin"))
	must(t, m.Add("/a", Info{Mode: Folder | 0o700}, nil)) // keeps what it holds
	if info, err := m.Lstat("/a"); err != nil || info.Mode != Folder|0o700 {
		t.Errorf("%+v, %v", info, err)
	}
	m.Remove("/a", func(name string) bool { return name == "/a/b" })
	var got []string
	must(t, new(Walker).Walk(t.Context(), m, "/", func(name string, _ Info) error { got = append(got, name); return nil }))
	if want := []string{"/", "/a", "/a/b", "/e"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	m.Clear("/", func(string) bool { return false })
	if entries, err := m.ReadDir("/"); err != nil || len(entries) != 0 {
		t.Errorf("%d are left (%v)", len(entries), err)
	}
	must(t, m.Add("/x", file, nil))
	for name, err := range map[string]error{
		"below a file": m.Add("/x/y", file, nil), "a link to nothing": m.Link("/none", "/y"), "a second name of a folder": m.Link("/", "/y"), "no clean name": m.Add("x", file, nil),
	} {
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestWalkIsBounded(t *testing.T) {
	m := New()
	must(t, m.Add("/"+strings.Repeat("a/", maxDepth+1)+"a", Info{Mode: Regular}, nil))
	if err := new(Walker).Walk(t.Context(), m, "/", func(string, Info) error { return nil }); err == nil || !strings.Contains(err.Error(), "folders deep") {
		t.Errorf("a deep tree: %v", err)
	}
	if err := (&Walker{entries: maxEntries}).Walk(t.Context(), New(), "/", func(string, Info) error { return nil }); err == nil {
		t.Error("a tree of too many entries was walked")
	}
	other := New()
	must(t, other.Add("/mnt", Info{Mode: Folder, Device: 7}, nil))
	must(t, other.Add("/mnt/x", Info{Mode: Regular, Device: 7}, nil))
	var b bytes.Buffer
	must(t, new(Walker).Walk(t.Context(), other, "/", func(name string, _ Info) error { b.WriteString(name + " "); return nil }))
	if b.String() != "/ " {
		t.Errorf("another file system was walked: %s", b.String())
	}
}
