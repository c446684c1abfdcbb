package dpkg

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

type tree struct {
	*testing.T
	dir string
	*treefs.FS
}

// newTree makes a tree of files, by name and content; "-> x" makes a link, and
// a name that ends with a slash an empty folder.
func newTree(t *testing.T, files map[string]string) tree {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		switch to, link := strings.CutPrefix(text, "-> "); {
		case err != nil:
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		case link:
			err = os.Symlink(to, path)
		default:
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	fs, err := treefs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fs.Close() })
	return tree{t, dir, fs}
}

func (t tree) list() []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(t.dir, func(path string, _ os.DirEntry, err error) error {
		all = append(all, strings.TrimPrefix(path, t.dir+"/"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all[1:]
}

// TestNeededLibrariesStay: a library, or Perl, goes only where nothing that stays
// depends on it, be it through another library.
func TestNeededLibrariesStay(t *testing.T) {
	const status = `Package: server
Status: install ok installed
Pre-Depends: libinit0 (>= 1)
Depends: libc6 (>= 2.38), libsystemd0 (= 1) | libelse1, shell, perl-base, libany1:any, libup1, libdown4

Package: libsystemd0
Depends: libcap9 (>= 1)

Package: libcap9
Description: text
 Depends: libtext1

Package: libup1
Depends: libup2

Package: libup2
Depends: libup3

Package: libup3
Depends: libup4

Package: libdown4
Depends: libdown3

Package: libdown3
Depends: libdown2

Package: libdown2
Depends: libdown1

Package: shell
Depends: libtinfo6
`
	tr := newTree(t, map[string]string{"var/lib/dpkg/status": status})
	names := "libtinfo6 libsystemd0 shell perl-base libcap9 libinit0 libany1 libtext1 other libup1 libup2 libup3 libup4 libdown1 libdown2 libdown3 libdown4"
	got, err := WithoutNeeded(tr.FS, strings.Fields(names))
	if err != nil || strings.Join(got, " ") != "libtinfo6 shell libtext1 other" {
		t.Errorf("%q go (%v)", got, err)
	}
}

// TestRemove takes two packages out of a tree with merged folders.
func TestRemove(t *testing.T) {
	const info = "var/lib/dpkg/info/"
	tr := newTree(t, map[string]string{
		"bin": "-> usr/bin", "usr/bin/tool": "x", "usr/bin/shared": "x", "usr/bin/kept": "x", "usr/bin/awk": "-> /etc/alternatives/awk",
		"etc/alternatives/awk": "-> /usr/bin/tool", "etc/alternatives/other": "-> /usr/bin/kept",
		"usr/share/a/b/c": "x", "usr/share/own/x": "x", "usr/share/one": "-> two", "usr/share/two": "-> three", "usr/share/three": "-> a/b/c",
		"usr/lib/mask": "-> /dev/null", "usr/lib/later": "-> ../../run/x", "usr/lib/round": "-> round", "opt/dangling": "-> /usr/bin/tool",
		info + "login.list": "/.\n/bin\n/bin/tool\n/usr/bin/shared\n/usr/share/a\n/usr/share/a/b\n/usr/share/a/b/c\n/usr/share/own\n", info + "login.postinst": "x",
		info + "login.defs.list": "/etc/login.defs\n", "etc/login.defs": "x", info + "lib:amd64.list": "/usr/lib/lib.so\n", info + "lib:amd64.md5sums": "x", "usr/lib/lib.so": "x",
		info + "kept.list":    "/.\n/bin\n/usr/bin/shared\n/usr/bin/kept\n",
		"var/lib/dpkg/status": "Package: login\nDescription: x\n Package: kept\n\nPackage: login.defs\n\n\nPackage: lib\nMulti-Arch: same\n\nPackage: kept\n",
	})
	if err := Remove(tr.FS, []string{"login", "lib", "absent"}, func(string) bool { return false }); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"bin", "etc", "etc/alternatives", "etc/alternatives/other", "etc/login.defs", "opt", "opt/dangling", "usr", "usr/bin", "usr/bin/kept", "usr/bin/shared",
		"usr/lib", "usr/lib/later", "usr/lib/mask", "usr/lib/round", "usr/share", "usr/share/own", "usr/share/own/x",
		"var", "var/lib", "var/lib/dpkg", "var/lib/dpkg/info", "var/lib/dpkg/info/kept.list", "var/lib/dpkg/info/login.defs.list", "var/lib/dpkg/status",
	}
	if got := tr.list(); !slices.Equal(got, want) {
		t.Errorf("left is %q\nwant    %q", got, want)
	}
	if text, err := os.ReadFile(filepath.Join(tr.dir, "var/lib/dpkg/status")); err != nil || string(text) != "Package: login.defs\n\nPackage: kept\n\n" {
		t.Errorf("the status is %q (%v)", text, err)
	}
}

// TestOwned: what packages list is where it lies, behind links of folders and
// where it was diverted to; a link that a package brings is itself.
func TestOwned(t *testing.T) {
	tr := newTree(t, map[string]string{
		"lib": "-> usr/lib", "usr/lib/a": "-> b", "etc/": "",
		"var/lib/dpkg/info/a:amd64.list": "/.\n/lib\n/lib/a\n/etc/absent\n", "var/lib/dpkg/info/b.conffiles": "/etc/conf\n",
		"var/lib/dpkg/diversions": "/lib/c\n/lib/c.real\nother\n/etc/d\n/etc/d.real\n:\n",
	})
	got, err := Owned(tr.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".", "lib", "usr/lib/a", "etc/absent", "usr/lib/c.real", "etc/d.real"} {
		if !got[name] {
			t.Errorf("%s is nobody's", name)
		}
	}
	if len(got) != 6 {
		t.Errorf("owned is %v", got)
	}
	if none, err := Owned(newTree(t, nil).FS); err != nil || len(none) != 0 {
		t.Errorf("in an empty tree: %v, %v", none, err)
	}
}
