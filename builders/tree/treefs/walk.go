package treefs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Entry is a file, folder, link or anything else in a tree, while a walk is
// at it.
type Entry struct {
	// Path is its name below the tree; "." is the tree itself.
	Path string
	Stat unix.Stat_t
	dir  int    // its folder
	name string // its name there
}

// Type returns one of unix.S_IFMT's.
func (e *Entry) Type() uint32 { return e.Stat.Mode & unix.S_IFMT }

// IsDir says whether the entry is a folder.
func (e *Entry) IsDir() bool { return e.Type() == unix.S_IFDIR }

// Visit is called for an entry of a tree and, where there is another tree,
// for what has the same name in that one; nil where nothing has. An error ends
// the walk, but fs.SkipDir only leaves out what is in the folder.
type Visit func(e *Entry, before *unix.Stat_t) error

// Walk visits everything in the tree, each folder before what is in it.
func (t *FS) Walk(visit Visit) error { return t.Compare(nil, visit) }

// Compare visits everything in the tree together with what another tree has
// by that name.
func (t *FS) Compare(before *FS, visit Visit) error {
	return (&walk{tree: t, before: before, visit: visit}).all(pending{".", before != nil})
}

// Below visits everything in a folder at a resolved name.
func (t *FS) Below(folder string, visit Visit) error {
	return (&walk{tree: t, visit: visit}).all(pending{folder, false})
}

type walk struct {
	tree, before *FS
	visit        Visit
	count        int
}

// pending is a folder that is still to be walked through.
type pending struct {
	path string
	// known says that the other tree has it too.
	known bool
}

// all keeps no folder open but the one that it is at, however deep it lies.
func (w *walk) all(start pending) error {
	for open := []pending{start}; len(open) > 0; {
		at := open[len(open)-1]
		below, err := w.folder(at)
		if err != nil {
			return fmt.Errorf("walking through the tree: %w", err)
		}
		slices.Reverse(below)
		open = append(open[:len(open)-1], below...)
	}
	return nil
}

func (w *walk) folder(p pending) ([]pending, error) {
	dir, err := openFolder(w.tree.root, p.path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var before *os.File
	if p.known {
		if before, err = openFolder(w.before.root, p.path); err != nil {
			return nil, err
		}
		defer before.Close()
	}
	names, err := w.names(dir, p.path)
	if err != nil {
		return nil, err
	}
	if p.path == "." {
		names = append([]string{"."}, names...)
	}
	var below []pending
	for _, name := range names {
		next, err := w.entry(dir, before, path.Join(p.path, name), name)
		if err != nil {
			return nil, err
		}
		if next != nil {
			below = append(below, *next)
		}
	}
	return below, nil
}

func (w *walk) names(dir *os.File, at string) ([]string, error) {
	names, err := dir.Readdirnames(maxEntries + 1 - w.count)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if w.count += len(names); w.count > maxEntries {
		return nil, fmt.Errorf("there are more than %d entries, the last of them in %s", maxEntries, Show(at))
	}
	slices.SortFunc(names, strings.Compare)
	return names, nil
}

// entry visits one name and returns it where it is a folder to walk through.
func (w *walk) entry(dir, before *os.File, at, name string) (*pending, error) {
	if len(at) > MaxPath {
		return nil, fmt.Errorf("%s is longer than %d bytes", Show(at), MaxPath)
	}
	e := &Entry{Path: at, dir: int(dir.Fd()), name: name}
	if err := unix.Fstatat(e.dir, name, &e.Stat, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: at, Err: err}
	}
	was, err := stat(before, name)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: at, Err: err}
	}
	err = w.visit(e, was)
	if errors.Is(err, fs.SkipDir) {
		return nil, nil
	}
	if err != nil || !e.IsDir() || name == "." {
		return nil, err
	}
	return &pending{at, was != nil && was.Mode&unix.S_IFMT == unix.S_IFDIR}, nil
}

func stat(dir *os.File, name string) (*unix.Stat_t, error) {
	if dir == nil {
		return nil, nil
	}
	var s unix.Stat_t
	err := unix.Fstatat(int(dir.Fd()), name, &s, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	return &s, err
}

func openFolder(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
}
