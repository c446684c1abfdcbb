package tree

import (
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// compares says whether somebody else worked on the tree.
func (w *work) compares() bool { return w.before != nil || w.Packages }

// date gives one date to all that is not as it was before. No clock is asked:
// a folder, a file that no package's list names, and one whose date has a
// fraction of a second, as a package's never has, was made or changed here.
func (w *work) date() error {
	if !w.compares() {
		return w.tree.Date(w.Date)
	}
	if w.Packages {
		if err := w.tree.CheckDates(); err != nil {
			return err
		}
	}
	return w.tree.Compare(w.before, func(e *treefs.Entry, before *unix.Stat_t) error {
		if before != nil && before.Mtim == e.Stat.Mtim || w.cameWithDate(e) {
			return nil
		}
		return e.SetDate(w.Date)
	})
}

// cameWithDate says whether an entry has the date that its package gave it.
// Folders never do: packages share them and disagree.
func (w *work) cameWithDate(e *treefs.Entry) bool {
	return !e.IsDir() && w.owned[e.Path] && e.Stat.Mtim.Nsec == 0
}
