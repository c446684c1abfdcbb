package treefs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/limit"
)

// note remembers that an entry was made or changed, and so its folder was.
func (t *FS) note(name string) { t.changed[name], t.changed[path.Dir(name)] = true, true }

// Changed says whether the tree's own methods made or changed an entry.
func (t *FS) Changed(name string) bool { return t.changed[name] }

// MkdirAll makes a folder at a resolved name, and those above it, for all to
// read and root to write. What is there and no folder is an error.
func (t *FS) MkdirAll(name string) error {
	info, err := t.Lstat(name)
	switch {
	case err != nil:
		return err
	case info == nil:
	case info.IsDir():
		return nil
	default:
		return &fs.PathError{Op: "mkdir", Path: name, Err: unix.ENOTDIR}
	}
	if err := t.MkdirAll(path.Dir(name)); err != nil {
		return err
	}
	t.note(name)
	return t.root.Mkdir(name, 0o755)
}

// Remove removes what is at a resolved name and is no folder, or an empty one.
// What is not there is no error.
func (t *FS) Remove(name string) error {
	err := t.root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err == nil {
		t.note(name)
	}
	return err
}

// RemoveEmpty is Remove, but leaves a folder that is not empty.
func (t *FS) RemoveEmpty(name string) error {
	err := t.Remove(name)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

// RemoveAll removes what is at a resolved name, with all that is in it.
func (t *FS) RemoveAll(name string) error {
	info, err := t.Lstat(name)
	if info == nil || err != nil {
		return err
	}
	t.note(name)
	return t.root.RemoveAll(name)
}

// RemoveUnless is RemoveAll, but keeps what keep says and the folders that it
// lies in.
func (t *FS) RemoveUnless(name string, keep func(name string) bool) error {
	info, err := t.Lstat(name)
	if info == nil || err != nil || keep(name) && !info.IsDir() {
		return err
	}
	if info.IsDir() {
		names, err := t.Names(name, maxEntries)
		if err != nil {
			return err
		}
		for _, below := range names {
			if err := t.RemoveUnless(path.Join(name, below), keep); err != nil {
				return err
			}
		}
		if keep(name) {
			return nil
		}
	}
	return t.RemoveEmpty(name)
}

// Symlink makes a link at a resolved name where nothing is.
func (t *FS) Symlink(target, name string) error {
	t.note(name)
	return t.root.Symlink(target, name)
}

// Link gives a file a second, resolved name where nothing is.
func (t *FS) Link(name, second string) error {
	t.note(second)
	return t.root.Link(name, second)
}

// Relink makes a file's second name one of the first again. The date of its
// folder stays.
func (t *FS) Relink(first, second string) error {
	return t.At(path.Dir(second), func(folder *Entry) error {
		if err := t.root.Remove(second); err != nil {
			return err
		}
		if err := t.root.Link(first, second); err != nil {
			return err
		}
		return folder.wrap("date", unix.UtimesNanoAt(folder.dir, folder.name, []unix.Timespec{folder.Stat.Atim, folder.Stat.Mtim}, unix.AT_SYMLINK_NOFOLLOW))
	})
}

// Attributes are the owner, by number, and mode of a file or folder.
type Attributes struct {
	UID, GID uint32
	// Mode is the lower twelve bits.
	Mode uint32
}

// Set gives what is at a resolved name, and is no link, its owner and mode.
func (t *FS) Set(name string, a Attributes) error {
	if err := t.root.Lchown(name, int(a.UID), int(a.GID)); err != nil {
		return err
	}
	return t.At(name, func(e *Entry) error { return e.Chmod(a.Mode) })
}

// Lchown gives what is at a resolved name, links too, its owner.
func (t *FS) Lchown(name string, a Attributes) error {
	return t.root.Lchown(name, int(a.UID), int(a.GID))
}

// At calls do with the entry at a resolved name, which must be there.
func (t *FS) At(name string, do func(e *Entry) error) error {
	dir, err := openFolder(t.root, path.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	e := &Entry{Path: name, dir: int(dir.Fd()), name: path.Base(name)}
	if err := unix.Fstatat(e.dir, e.name, &e.Stat, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return e.wrap("stat", err)
	}
	return do(e)
}

// ReadFile reads a regular file of at most max bytes at a resolved name.
func (t *FS) ReadFile(name string, max int64) ([]byte, error) {
	f, err := t.openFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return limit.ReadAll(f, max, Show(name))
}

// openFile opens a regular file and nothing else: what is no file may wait for
// ever when it is opened.
func (t *FS) openFile(name string) (*os.File, error) {
	if regular, err := t.Is(name, 0); err != nil || !regular {
		return nil, errors.Join(err, &fs.PathError{Op: "open", Path: name, Err: errors.New("it is not a regular file")})
	}
	return t.root.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
}

// Head reads at most size bytes from the start of a regular file.
func (t *FS) Head(name string, size int64) ([]byte, error) {
	f, err := t.openFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, size))
}

// WriteFile puts a new file at a resolved name, in place of any file or link.
func (t *FS) WriteFile(name string, content []byte, a Attributes) error {
	f, err := t.create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", Show(name), err)
	}
	return t.Set(name, a)
}

// Rewrite puts other content in the place of a regular file's, with the owner
// and mode that it has.
func (t *FS) Rewrite(name string, content []byte) error {
	info, err := t.root.Lstat(name)
	if err != nil {
		return err
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return &fs.PathError{Op: "stat", Path: name, Err: unix.ENOTSUP}
	}
	return t.WriteFile(name, content, Attributes{s.Uid, s.Gid, s.Mode & 0o7777})
}

// create makes an empty file in place of any file or link. It writes to none
// that is there: another name may lead to it.
func (t *FS) create(name string) (*os.File, error) {
	if err := t.Remove(name); err != nil {
		return nil, err
	}
	t.note(name)
	return t.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
}

// Date gives all that the tree's own methods made or changed one date, in
// seconds since 1970.
func (t *FS) Date(seconds int64) error {
	for name := range t.changed {
		if info, err := t.Lstat(name); err != nil || info == nil {
			if err != nil {
				return err
			}
			continue
		}
		if err := t.At(name, func(e *Entry) error { return e.SetDate(seconds) }); err != nil {
			return err
		}
	}
	clear(t.changed)
	return nil
}
