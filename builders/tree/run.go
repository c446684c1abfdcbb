package tree

import (
	"errors"
	"io"
	"os"

	"github.com/bakelite/bakelite/builders/tree/accounts"
	"github.com/bakelite/bakelite/builders/tree/dpkg"
	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// Harden applies the controls of a request to a tree, and gives what it
// changes the request's date.
type Harden func(tree *os.Root, r Request) error

// Options are what Run needs besides a request.
type Options struct {
	// Say receives what is left out, a line each.
	Say io.Writer
	// Harden applies Request.Controls; without it they are an error.
	Harden Harden
}

// work is a request on its way.
type work struct {
	Request
	Options
	tree, before, files *treefs.FS
	// owned is where files lie that dpkg unpacked.
	owned map[string]bool
	// own is what somebody else than dpkg made or changed.
	own map[string]bool
	// names are those of files that have several.
	names map[file][]string
	// evidence is what packages were judged by before.
	evidence dpkg.Evidence
	// altered are the places of the system that the app's own part changed,
	// named those that it may.
	altered, named []string
	// led is where the paths of rights led before.
	led map[string]string
	// folders is where those of Folders are.
	folders []string
	// said counts what was left out.
	said int
}

// Run does what a request asks for. What the app file has wrong is a *Mistake.
func Run(r Request, o Options) error {
	w := &work{Request: r, Options: o}
	defer w.close()
	if err := w.openRoots(); err != nil {
		return err
	}
	for _, part := range []func() error{
		w.readPackages, w.noteEvidence, w.clean, w.user, w.put, w.judge, w.judgeEvidence, w.judgeAltered, w.remove, w.trim, w.logins, w.strip, w.makeFolders, w.harden, w.date, w.relink, w.grant, w.runnable,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	w.sayMore()
	return nil
}

func (w *work) openRoots() (err error) {
	for _, one := range []struct {
		fs     **treefs.FS
		folder string
	}{{&w.tree, w.Tree}, {&w.before, w.Before}, {&w.files, w.Files}} {
		if one.folder == "" {
			continue
		}
		if *one.fs, err = treefs.Open(one.folder); err != nil {
			return err
		}
	}
	for _, f := range w.Folders {
		place, err := w.tree.Resolve(f.Path)
		if err != nil {
			return err
		}
		w.folders = append(w.folders, place)
	}
	return nil
}

func (w *work) close() {
	for _, t := range []*treefs.FS{w.tree, w.before, w.files} {
		if t != nil {
			_ = t.Close()
		}
	}
}

func (w *work) readPackages() (err error) {
	if w.Packages {
		w.owned, err = dpkg.Owned(w.tree)
	}
	return err
}

// clean removes what differs from run to run.
func (w *work) clean() error {
	if err := w.removeAll(w.Clean, w.tree.RemoveAll); err != nil {
		return err
	}
	for _, name := range w.Empty {
		place, err := w.tree.Resolve(name)
		if err != nil {
			return err
		}
		info, err := w.tree.Lstat(place)
		if err != nil {
			return err
		}
		if info != nil && info.Mode().IsRegular() && info.Size() > 0 {
			if err := w.tree.Rewrite(place, nil); err != nil {
				return err
			}
		}
	}
	if len(w.Clean) == 0 {
		return nil
	}
	return w.accounts(func(db *accounts.DB) error { db.DatePasswords(w.day()); return nil })
}

const secondsOfDay = 24 * 60 * 60

func (w *work) day() int64 { return w.Date / secondsOfDay }

// removeAll calls remove for what fits patterns. As in a shell, a star stands
// for no name that starts with a dot.
func (w *work) removeAll(patterns []string, remove func(place string) error) error {
	for _, pattern := range patterns {
		places, err := w.tree.Glob(pattern)
		if err != nil {
			return err
		}
		for _, place := range places {
			if err := remove(place); err != nil {
				return err
			}
		}
	}
	return nil
}

// trim takes out what no service needs.
func (w *work) trim() error {
	if err := w.removeAll(w.Drop, w.tree.RemoveAll); err != nil {
		return err
	}
	if len(w.own) == 0 {
		return w.removeAll(w.Trim, w.tree.RemoveAll)
	}
	return w.removeAll(w.Trim, func(place string) error { return w.tree.RemoveUnless(place, w.isOwn) })
}

func (w *work) isOwn(place string) bool { return w.own[place] }

// remove takes packages out.
func (w *work) remove() error {
	if len(w.Remove) == 0 {
		return nil
	}
	names := w.Remove
	if w.KeepNeeded {
		var err error
		if names, err = dpkg.WithoutNeeded(w.tree, names); err != nil {
			return err
		}
	}
	return dpkg.Remove(w.tree, names, w.isOwn)
}

func (w *work) harden() error {
	switch {
	case w.Controls == nil:
		return nil
	case w.Harden == nil:
		return errors.New("nobody here applies controls")
	}
	return w.Harden(w.tree.Root(), w.Request)
}
