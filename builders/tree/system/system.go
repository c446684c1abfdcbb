// Package system says what the app's own part changed of a system: programs
// of packages, what root starts or reads, and what a name means that programs
// look up. The lists of packages, and with them every scan, go on to call a
// replaced program the package's, and no list has what root starts. It changes
// nothing. Only builders/tree may import it.
package system

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"syscall"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// Packages is what the lists of packages say.
type Packages struct {
	// Programs are the places of what packages brought to run, Alternatives the
	// absolute paths by which names lead to one of several programs; both as the
	// lists were before.
	Programs, Alternatives []string
	// Owned returns the places of all that packages bring now.
	Owned func() (map[string]bool, error)
}

// Changes returns the places of a system that are not as they were before,
// sorted.
func Changes(now, before *treefs.FS, p Packages) ([]string, error) {
	c := &comparison{now: now, before: before, packages: p, folders: map[string]bool{}}
	for _, part := range []func() error{c.content, c.roots, c.searched, c.alternatives, c.libraries} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	slices.Sort(c.changed)
	return slices.Compact(c.changed), nil
}

// comparison is one of two trees.
type comparison struct {
	now, before *treefs.FS
	packages    Packages
	changed     []string
	// folders says of folders whether they lie now where their names say.
	folders map[string]bool
}

func (c *comparison) add(place string) { c.changed = append(c.changed, place) }

// content compares programs, and what root starts or reads.
func (c *comparison) content() error {
	all := slices.Clone(c.packages.Programs)
	for _, t := range []*treefs.FS{c.now, c.before} {
		found, err := forRoot(t)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	slices.Sort(all)
	for _, place := range slices.Compact(all) {
		if same, err := c.same(place); err != nil {
			return err
		} else if !same {
			c.add(place)
		}
	}
	return nil
}

// roots compares where the folders lead that root starts or reads things from.
func (c *comparison) roots() error {
	for _, name := range slices.Concat(rootFolders(), rootFiles()) {
		now, err := c.now.Place(name)
		if err != nil {
			return err
		}
		was, err := c.before.Place(name)
		if err != nil {
			return err
		}
		if now != was {
			c.add(name)
		}
	}
	return nil
}

// same says whether there is the same file or link at a place as before, and
// no link leads there that led nowhere before: it may come to lead to what
// others can write.
func (c *comparison) same(place string) (bool, error) {
	dir := path.Dir(place)
	if _, known := c.folders[dir]; !known {
		at, err := c.now.Resolve(dir)
		if err != nil {
			return false, err
		}
		c.folders[dir] = at == dir
	}
	if !c.folders[dir] {
		return false, nil
	}
	return sameContent(c.now, c.before, place)
}

// executable are the bits by one of which root can start a file.
const executable = 0o111

// sameContent says whether two trees have the same file or link at a place of
// which the second has one. Nobody can set when an inode was changed, so what
// has the other's number and time of change needs no reading.
func sameContent(a, b *treefs.FS, place string) (bool, error) {
	now, err := a.Lstat(place)
	if err != nil || now == nil {
		return false, err
	}
	was, err := b.Lstat(place)
	if err != nil || was == nil || now.Mode().Type() != was.Mode().Type() {
		return false, err
	}
	x, _ := now.Sys().(*syscall.Stat_t)
	y, _ := was.Sys().(*syscall.Stat_t)
	switch {
	case was.Mode()&executable != 0 && now.Mode()&executable == 0: // nobody can start it
		return false, nil
	case x != nil && y != nil && x.Ino == y.Ino && x.Ctim == y.Ctim && x.Size == y.Size:
		return true, nil
	case now.Size() != was.Size():
		return false, nil
	case now.Mode()&fs.ModeSymlink != 0:
		to, err := a.Root().Readlink(place)
		before, err2 := b.Root().Readlink(place)
		return to == before, errors.Join(err, err2)
	}
	sum, err := Sum(a, place)
	before, err2 := Sum(b, place)
	return bytes.Equal(sum, before), errors.Join(err, err2)
}

// Sum returns the SHA-256 of the file at a place.
func Sum(t *treefs.FS, place string) ([]byte, error) {
	f, err := t.Root().OpenFile(place, syscall.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}
