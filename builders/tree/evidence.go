package tree

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/bakelite/bakelite/builders/tree/dpkg"
	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// noteEvidence notes what packages are known and judged by, before anything of
// the app's own is put into the tree.
func (w *work) noteEvidence() (err error) {
	if !w.Evidence {
		return nil
	}
	from := w.tree
	if w.before != nil {
		from = w.before
	}
	w.evidence, err = dpkg.ReadEvidence(from)
	return err
}

// judgeEvidence refuses what changes that: what the app's own part says of
// packages is no witness. Packages that it adds may bring theirs.
func (w *work) judgeEvidence() error {
	if !w.Evidence {
		return nil
	}
	now, err := dpkg.ReadEvidence(w.tree)
	if err != nil {
		return err
	}
	err = w.evidence.Unspoiled(now)
	var spoiled *dpkg.SpoiledError
	if !errors.As(err, &spoiled) {
		return err
	}
	return mistake(cmp.Or(w.Own, "files"), "leave it as it comes", "%s may not be changed or removed: packages are known and judged by it", spoiled)
}

// judgeReplaced refuses what the app's own part did to programs of packages,
// but for those that the app file names: the lists of packages, and with them
// every scan, go on to call it the package's.
func (w *work) judgeReplaced() error {
	if !w.Evidence {
		return nil
	}
	if w.before != nil {
		if err := w.comparePrograms(); err != nil {
			return err
		}
	}
	var named []string
	for _, name := range w.Replaces {
		place, err := w.tree.Resolve(name)
		if err != nil {
			return err
		}
		named = append(named, place)
	}
	slices.Sort(w.replaced)
	all := slices.DeleteFunc(slices.Compact(w.replaced), func(place string) bool { return slices.Contains(named, place) })
	if len(all) == 0 {
		return nil
	}
	for i := range all {
		all[i] = shown(all[i])
	}
	if more := len(all) - maxSaid; more > 0 {
		all = append(all[:maxSaid], "and more")
	}
	return mistake(cmp.Or(w.Own, "files"), "put yours elsewhere, such as into /usr/local, or name the paths under replaces, for the gate to judge",
		"packages brought what is changed or removed here: %s", strings.Join(all, ", "))
}

// comparePrograms notes which programs of packages are not as they were.
func (w *work) comparePrograms() error {
	all, err := dpkg.Programs(w.before)
	if err != nil {
		return err
	}
	for _, place := range all {
		is, err := sameContent(w.tree, w.before, place)
		if err != nil {
			return err
		}
		if !is {
			w.replaced = append(w.replaced, place)
		}
	}
	return nil
}

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
	case x != nil && y != nil && x.Ino == y.Ino && x.Ctim == y.Ctim && x.Size == y.Size:
		return true, nil
	case now.Size() != was.Size():
		return false, nil
	case now.Mode()&fs.ModeSymlink != 0:
		to, err := a.Root().Readlink(place)
		before, err2 := b.Root().Readlink(place)
		return to == before, errors.Join(err, err2)
	}
	sum, err := sumOf(a, place)
	before, err2 := sumOf(b, place)
	return bytes.Equal(sum, before), errors.Join(err, err2)
}

func sumOf(t *treefs.FS, place string) ([]byte, error) {
	f, err := t.Root().OpenFile(place, syscall.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}

// displaces notes that a file of the app takes a program's place in a tree
// that nobody else of the app's worked on.
func (p putting) displaces(place string) error {
	if !p.Evidence || p.before != nil || !dpkg.HoldsPrograms(place) || p.tree.Changed(place) {
		return nil
	}
	info, err := p.tree.Lstat(place)
	if err == nil && info != nil && !info.IsDir() {
		p.replaced = append(p.replaced, place)
	}
	return err
}
