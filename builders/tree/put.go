package tree

import (
	"errors"
	"io/fs"
	"path"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree/accounts"
	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// put copies the app's files. Users are looked up anew for each, as the one
// before may have brought them.
func (w *work) put() error {
	for _, p := range w.Put {
		err := w.accounts(func(db *accounts.DB) error { return putting{w, p, db, map[uint64]string{}}.run() })
		if err != nil {
			return err
		}
	}
	return nil
}

// makeFolders makes those of the service, after all that takes folders away.
func (w *work) makeFolders() error {
	if len(w.Folders) == 0 {
		return nil
	}
	return w.accounts(func(db *accounts.DB) error {
		for _, f := range w.Folders {
			if err := w.folder(f, db); err != nil {
				return err
			}
		}
		return nil
	})
}

// folder makes one that the service's user owns.
func (w *work) folder(f Folder, db *accounts.DB) error {
	place, err := w.tree.Resolve(f.Path)
	if err != nil {
		return err
	}
	if err := w.tree.MkdirAll(place); err != nil {
		return err
	}
	uid, gid, ok := db.User(w.User.Name)
	if !ok {
		return mistake("service.user", "name one that the image has", "the image has no user %s", w.User.Name)
	}
	return w.tree.Set(place, treefs.Attributes{UID: uid, GID: gid, Mode: f.Mode})
}

// putting is one entry on its way.
type putting struct {
	*work
	Put
	db *accounts.DB
	// names are those of copies of files that have several, by the number of
	// the source's inode.
	names map[uint64]string
}

func (p putting) run() error {
	at, err := p.tree.Resolve(p.To)
	if err != nil {
		return err
	}
	if err := p.above(at); err != nil {
		return err
	}
	if p.Content != nil {
		return p.content(at)
	}
	source, err := p.files.Resolve(p.From)
	if err != nil {
		return err
	}
	if dir, err := p.files.Is(source, fs.ModeDir); err != nil || dir {
		return errors.Join(err, p.copyFolder(source, at))
	}
	if dir, err := p.tree.Is(at, fs.ModeDir); err != nil {
		return err
	} else if dir {
		at = path.Join(at, path.Base(p.From))
	}
	return p.copyFile(source, at)
}

// above makes the folders above a place.
func (p putting) above(at string) error {
	err := p.tree.MkdirAll(path.Dir(at))
	if errors.Is(err, unix.ENOTDIR) {
		return mistake(p.Key+".to", "name a path below a folder", "a folder of %s is a file in the image", p.To)
	}
	return err
}

func (p putting) content(at string) error {
	if err := p.free(at); err != nil {
		return err
	}
	a, err := p.attributes(0)
	if err != nil {
		return err
	}
	if a.Mode&anyExecute != 0 {
		if err := lineEnds(p.Key+".content", p.To, p.Content); err != nil {
			return err
		}
	}
	return p.tree.WriteFile(at, p.Content, a)
}

// free refuses to put a file where a folder is, and where it would be lost.
func (p putting) free(at string) error {
	if err := p.allowed(at); err != nil {
		return err
	}
	dir, err := p.tree.Is(at, fs.ModeDir)
	if dir {
		return mistake(p.Key+".to", "name the file that is to be in it", "%s is a folder", shown(at))
	}
	return errors.Join(err, p.alters(at))
}

func (p putting) copyFile(source, at string) error {
	if err := p.free(at); err != nil {
		return err
	}
	info, err := p.files.Root().Lstat(source)
	if err != nil {
		return err
	}
	a, err := p.attributes(info.Mode())
	if err != nil {
		return err
	}
	if a.Mode&anyExecute != 0 {
		head, err := p.files.Head(source, headBytes)
		if err != nil {
			return err
		}
		if err := lineEnds(p.Key+".from", source, head); err != nil {
			return err
		}
	}
	return p.tree.CopyFile(p.files, source, at, a)
}

// attributes are those of a file that had a mode.
func (p putting) attributes(had fs.FileMode) (treefs.Attributes, error) {
	uid, gid, ok := p.db.Owner(p.Owner)
	if !ok {
		return treefs.Attributes{}, mistake(p.Key+".owner", "name one that a package brings, service.user, or a number",
			"the image has no user or group %s", p.Owner)
	}
	mode := uint32(0o644)
	if had.Perm()&anyExecute != 0 {
		mode = 0o755
	}
	if p.Mode != nil {
		mode = *p.Mode
	}
	return treefs.Attributes{UID: uid, GID: gid, Mode: mode}, nil
}

// folderMode is the mode of a folder whose files have a mode: x where r is.
func (p putting) folderMode() uint32 {
	if p.Mode == nil {
		return 0o755
	}
	return *p.Mode | *p.Mode>>2&0o111
}
