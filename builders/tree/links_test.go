package tree_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree"
)

// TestSecondNamesStay: on an overlay, as in a step, whatever is changed about a
// file with two names makes two files of it; in the end it is one again.
func TestSecondNamesStay(t *testing.T) {
	p := newPlace(t)
	p.debian("app:x:777:777::/:/bin/sh\n", "app:x:777:\n")
	p.write(p.tree, "opt/dir/one", "text", 0o6755)
	for _, name := range []string{"opt/two", "opt/three"} {
		p.must(os.Link(filepath.Join(p.tree, "opt/dir/one"), filepath.Join(p.tree, name)))
	}
	p.must(lchown(p.tree, "opt/two", [2]int{777, 777}))
	p.write(p.tree, "etc/hard", "root:x:0:0:::\n", 0o644)
	upper, work, merged := t.TempDir(), t.TempDir(), t.TempDir()
	if err := unix.Mount("overlay", merged, "overlay", 0, "lowerdir="+p.tree+",upperdir="+upper+",workdir="+work+",index=off"); err != nil {
		t.Skip("this machine mounts no overlay: ", err)
	}
	t.Cleanup(func() { p.must(unix.Unmount(merged, 0)) })
	p.tree = merged
	p.must(p.run(tree.Request{Own: "steps", User: &tree.User{Name: "app"}, Strip: true}))
	one := p.stat("opt/dir/one")
	for _, name := range []string{"opt/two", "opt/three"} {
		if s := p.stat(name); s.Ino != one.Ino || s.Nlink != 3 || s.Uid != 500 || s.Mode&0o7777 != 0o755 || s.Mtim != (unix.Timespec{Sec: madeAt}) {
			t.Errorf("%s is %+v, the first name %+v", name, s, one)
		}
	}
	for _, name := range []string{"opt", "opt/dir", "."} {
		if s := p.stat(name); s.Mtim != (unix.Timespec{Sec: madeAt}) {
			t.Errorf("%s is of %v", name, s.Mtim)
		}
	}
}
