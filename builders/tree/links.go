package tree

import (
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// file is a file, whatever its names.
type file struct{ device, number uint64 }

// noteNames returns what notes, in the first walk through the tree, the names
// of files that have several: an overlay that changes one of them makes two
// files of it.
func (w *work) noteNames() func(e *treefs.Entry) {
	if w.names != nil {
		return func(*treefs.Entry) {}
	}
	w.names = map[file][]string{}
	return func(e *treefs.Entry) {
		if e.Stat.Nlink > 1 && e.Type() == unix.S_IFREG {
			f := file{e.Stat.Dev, e.Stat.Ino}
			w.names[f] = append(w.names[f], e.Path)
		}
	}
}

// relink makes one file again of each whose names were noted, where nothing
// was done to one of them alone.
func (w *work) relink() error {
	for _, names := range w.names {
		first, err := w.still(names[0])
		if err != nil {
			return err
		}
		for _, name := range names[1:] {
			second, err := w.still(name)
			if err != nil {
				return err
			}
			if first == nil || second == nil || first.Ino == second.Ino && first.Dev == second.Dev || !same(first, second) {
				continue
			}
			if err := w.tree.Relink(names[0], name); err != nil {
				return err
			}
		}
	}
	return nil
}

// still looks at a file that nothing was put in the place of; nil stands for
// none.
func (w *work) still(name string) (found *unix.Stat_t, err error) {
	info, err := w.tree.Lstat(name)
	if info == nil || err != nil || w.tree.Changed(name) {
		return nil, err
	}
	return found, w.tree.At(name, func(e *treefs.Entry) error { found = &e.Stat; return nil })
}
