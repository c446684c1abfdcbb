package tree_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree"
)

// madeAt is what everything gets that is made here.
const madeAt = 1735689600

// place is a tree, what it was before, and an app's files.
type place struct {
	*testing.T
	tree, before, files string
	said                strings.Builder
}

func newPlace(t *testing.T) *place {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("giving files away needs root")
	}
	p := &place{T: t, tree: t.TempDir(), before: t.TempDir(), files: t.TempDir()}
	for _, root := range []string{p.tree, p.before} {
		p.write(root, "etc/passwd", "root:x:0:0:root:/root:/bin/bash\nweb:x:33:34::/:/bin/false\n", 0o644)
		p.write(root, "etc/group", "root:x:0:\nweb:x:34:\n", 0o644)
	}
	return p
}

func (p *place) write(root, name, text string, mode uint32) {
	p.Helper()
	path := filepath.Join(root, name)
	p.must(os.MkdirAll(filepath.Dir(path), 0o755))
	p.must(os.WriteFile(path, []byte(text), 0o644))
	p.must(unix.Chmod(path, mode))
}

func (p *place) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *place) link(target, root, name string) {
	p.Helper()
	p.must(os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
	p.must(os.Symlink(target, filepath.Join(root, name)))
}

// run does what a request asks for in the tree.
func (p *place) run(r tree.Request) error {
	p.Helper()
	r.Tree, r.Date = p.tree, madeAt
	if len(r.Put) > 0 {
		r.Files = p.files
	}
	if r.Own != "" || r.Packages {
		r.Before = p.before
	}
	text, err := r.Encode()
	p.must(err)
	if r, err = tree.Decode(text); err != nil {
		return err
	}
	return tree.Run(r, tree.Options{Say: &p.said})
}

// fails wants a mistake that begins so; "" wants none.
func (p *place) fails(name string, err error, want string) {
	p.Helper()
	var m *tree.Mistake
	switch {
	case want == "" && err != nil:
		p.Errorf("%s: %v", name, err)
	case want == "":
	case !errors.As(err, &m):
		p.Errorf("%s: got %v, want %s", name, err, want)
	case !strings.HasPrefix(m.Line(), want):
		p.Errorf("%s: got %s, want %s", name, m.Line(), want)
	}
}

func (p *place) stat(name string) unix.Stat_t {
	p.Helper()
	var s unix.Stat_t
	if err := unix.Lstat(filepath.Join(p.tree, name), &s); err != nil {
		p.Fatalf("%s: %v", name, err)
	}
	return s
}

func (p *place) mode(name string, want uint32) {
	p.Helper()
	if s := p.stat(name); s.Mode&0o7777 != want {
		p.Errorf("%s has mode %04o, want %04o", name, s.Mode&0o7777, want)
	}
}

func (p *place) owner(name string, uid, gid uint32) {
	p.Helper()
	if s := p.stat(name); s.Uid != uid || s.Gid != gid {
		p.Errorf("%s belongs to %d:%d, want %d:%d", name, s.Uid, s.Gid, uid, gid)
	}
}

func (p *place) text(name string) string {
	p.Helper()
	text, err := os.ReadFile(filepath.Join(p.tree, name))
	p.must(err)
	return string(text)
}

func (p *place) gone(names ...string) {
	p.Helper()
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(p.tree, name)); !errors.Is(err, os.ErrNotExist) {
			p.Errorf("%s is there (%v)", name, err)
		}
	}
}

func (p *place) there(names ...string) {
	p.Helper()
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(p.tree, name)); err != nil {
			p.Error(err)
		}
	}
}

func octal(mode uint32) *uint32 { return &mode }
