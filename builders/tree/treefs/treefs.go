// Package treefs works on a folder that is to be a root filesystem and never
// leaves it: links are followed inside the tree only, as they will be once it
// is the root, and what is read or changed is named by its folder and its own
// name. Names are bytes and stay what they are. Trees are not trusted: counts,
// depths and sizes have limits. Nothing else may work on a tree meanwhile.
// Only builders/tree and what is below it may import it.
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

const (
	// MaxPath is the longest name below a tree, in bytes: PATH_MAX of Linux
	// less the first slash and the last NUL.
	MaxPath = 4096 - 2
	// maxLinks is how many links one path may lead through (MAXSYMLINKS).
	maxLinks = 40
	// maxEntries bounds what one tree holds.
	maxEntries = 4 << 20
)

// ErrLinks says that a path leads through too many links, or in a circle.
var ErrLinks = fmt.Errorf("it leads through more than %d links", maxLinks)

// FS is a tree that is worked on. It remembers what it changed, until Date.
type FS struct {
	root    *os.Root
	changed map[string]bool
}

// Open opens the tree at a folder of this machine.
func Open(folder string) (*FS, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("opening tree: %w", err)
	}
	return &FS{root, map[string]bool{}}, nil
}

// Close closes the tree.
func (t *FS) Close() error { return t.root.Close() }

// Root returns the tree for who works on it by the standard library; what that
// changes, Date does not know.
func (t *FS) Root() *os.Root { return t.root }

// Resolve returns where a path leads: a name below the tree without any link
// in it, "." for the tree itself. What it names, and its folder, need not
// exist.
func (t *FS) Resolve(to string) (string, error) {
	at, rest := ".", to
	for links := 0; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		if name == "" || name == "." {
			continue
		}
		if name == ".." {
			at = path.Dir(at)
			continue
		}
		here := path.Join(at, name)
		target, err := t.readlink(here)
		if err != nil {
			return "", fmt.Errorf("following %s: %w", Show(to), err)
		}
		if target == "" {
			at = here
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s: %w", Show(to), ErrLinks)
		}
		if strings.HasPrefix(target, "/") {
			at = "."
		}
		rest = target + "/" + rest
	}
	if len(at) > MaxPath {
		return "", fmt.Errorf("%s is longer than %d bytes", Show(at), MaxPath)
	}
	return at, nil
}

// readlink returns where a link leads, "" for what is no link or not there.
func (t *FS) readlink(name string) (string, error) {
	target, err := t.root.Readlink(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTDIR) {
		return "", nil
	}
	return target, err
}

// Place returns where an entry of this path is or would be: its folder is
// resolved, its own name is not.
func (t *FS) Place(to string) (string, error) {
	folder, err := t.Resolve(path.Dir("/" + to))
	return path.Join(folder, path.Base(to)), err
}

// Lstat looks at a resolved name; nil stands for what is not there.
func (t *FS) Lstat(name string) (fs.FileInfo, error) {
	info, err := t.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	return info, err
}

// Is says whether a resolved name is there and of a type: 0 for a regular
// file, else one of fs.ModeType.
func (t *FS) Is(name string, kind fs.FileMode) (bool, error) {
	info, err := t.Lstat(name)
	return info != nil && info.Mode().Type() == kind, err
}

// Names returns the names in the folder at a resolved name, sorted; more than
// max are an error.
func (t *FS) Names(folder string, max int) ([]string, error) {
	dir, err := openFolder(t.root, folder)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(max + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(names) > max {
		return nil, fmt.Errorf("%s holds more than %d entries", Show(folder), max)
	}
	slices.Sort(names)
	return names, nil
}

// Links returns the links anywhere below a folder at a resolved name, with
// where each leads.
func (t *FS) Links(folder string) (map[string]string, error) {
	links := map[string]string{}
	err := t.Below(folder, func(e *Entry, _ *unix.Stat_t) (err error) {
		if e.Type() == unix.S_IFLNK {
			links[e.Path], err = t.root.Readlink(e.Path)
		}
		return err
	})
	return links, err
}

// Glob returns the places that fit a pattern of path.Match below the tree,
// sorted. As in a shell, a star at the start stands for no dot there.
func (t *FS) Glob(pattern string) ([]string, error) {
	places := []string{"."}
	for part := range strings.SplitSeq(pattern, "/") {
		var next []string
		for _, folder := range places {
			fitting, err := t.fitting(folder, part)
			if err != nil {
				return nil, err
			}
			next = append(next, fitting...)
		}
		places = next
	}
	return places, nil
}

// fitting returns what fits one part of a pattern in one folder, which may be
// a link to it.
func (t *FS) fitting(folder, part string) ([]string, error) {
	folder, err := t.Resolve(folder)
	if err != nil {
		return nil, err
	}
	if dir, err := t.Is(folder, fs.ModeDir); err != nil || !dir {
		return nil, err
	}
	if !strings.ContainsAny(part, `*?[\`) {
		place := path.Join(folder, part)
		if info, err := t.Lstat(place); err != nil || info == nil {
			return nil, err
		}
		return []string{place}, nil
	}
	names, err := t.Names(folder, maxEntries)
	if err != nil {
		return nil, err
	}
	var places []string
	for _, name := range names {
		fits, err := path.Match(part, name)
		if err != nil {
			return nil, fmt.Errorf("reading pattern %q: %w", part, err)
		}
		if fits && (name[0] != '.' || part[0] == '.') {
			places = append(places, path.Join(folder, name))
		}
	}
	return places, nil
}

// Show returns a name for a message: as it is where every character of it can
// be printed, else quoted.
func Show(name string) string {
	if quoted := fmt.Sprintf("%q", name); strings.ContainsRune(quoted, '\\') || strings.Contains(name, `"`) {
		return quoted
	}
	return name
}
