package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/moby/patternmatcher"
)

const (
	// maxOwnFiles bounds the files, folders and links of one app.
	maxOwnFiles = 100_000
	// maxOwnBytes bounds their content together: 4 GiB.
	maxOwnBytes = 4 << 30
	// maxDepth bounds the folders in each other.
	maxDepth = 64
)

// found is a regular file, a symbolic link or an empty folder that an app
// names.
type found struct {
	path   string // below the app file's folder, with slashes
	link   string // the target of a symbolic link, or ""
	same   string // the path of the file that this is another name of, or ""
	folder bool
}

// walker lists what an app names below its folder. It opens no file.
type walker struct {
	root  *os.Root
	found []found
	count int
	bytes int64
	// unseen are paths that are left out, excluded the patterns of others; nil
	// leaves nothing out.
	unseen   []string
	excluded *patternmatcher.PatternMatcher
	// anyLinks lets links lead anywhere: they are copied as they are.
	anyLinks bool
	// names are the first paths of files that have several, in what is copied
	// together.
	names map[inode]string
}

// inode is a file, whatever its names.
type inode struct{ device, number uint64 }

// walk adds the file or folder at name. The name itself may be a link to
// either; links below it are kept as links.
func (w *walker) walk(name string) error {
	info, err := statInside(w.root, name)
	if err != nil {
		return err
	}
	if err := checkPattern(name); err != nil {
		return err
	}
	if bad := badName(name); bad != "" {
		return fmt.Errorf("%q cannot be in an image: %s", name, bad)
	}
	name, w.names = filepath.Clean(name), map[inode]string{}
	if info.IsDir() {
		return w.folder(name, name, 0)
	}
	return w.add(name, info)
}

func (w *walker) folder(top, name string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s stands more than %d folders deep", name, maxDepth)
	}
	entries, err := w.list(name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.entry(top, path.Join(name, e.Name()), depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) list(name string) ([]fs.DirEntry, error) {
	dir, err := w.root.Open(name)
	if err != nil {
		return nil, explain(name, err)
	}
	defer dir.Close()
	entries, err := dir.ReadDir(maxOwnFiles + 1 - w.count)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, explain(name, err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

func (w *walker) entry(top, name string, depth int) error {
	info, err := w.root.Lstat(name)
	if err != nil {
		return explain(name, err)
	}
	ignored, err := w.ignores(name)
	switch {
	case err != nil:
		return err
	case slices.Contains(w.unseen, name):
		return nil
	case ignored && !(info.IsDir() && w.excluded.Exclusions()): // !PATTERN may let in something below it
		return nil
	case badName(name) != "":
		return fmt.Errorf("%q cannot be in an image: %s", name, badName(name))
	case info.IsDir():
		if err := w.countOne(); err != nil {
			return err
		}
		before := len(w.found)
		err := w.folder(top, name, depth+1)
		if len(w.found) == before && !ignored {
			w.found = append(w.found, found{path: filepath.ToSlash(name), folder: true})
		}
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return w.addLink(top, name)
	}
	return w.add(name, info)
}

func (w *walker) ignores(name string) (bool, error) {
	if w.excluded == nil {
		return false, nil
	}
	return w.excluded.MatchesOrParentMatches(name)
}

func (w *walker) add(name string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is a %s; only regular files, folders and links can be copied", name, special(info.Mode()))
	}
	if w.bytes += info.Size(); w.bytes > maxOwnBytes {
		return fmt.Errorf("the app's files are larger than %d GiB together", maxOwnBytes>>30)
	}
	f := found{path: filepath.ToSlash(name)}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Nlink > 1 {
		file := inode{s.Dev, s.Ino}
		if f.same = w.names[file]; f.same == "" {
			w.names[file] = f.path
		}
	}
	w.found = append(w.found, f)
	return w.countOne()
}

func (w *walker) countOne() error {
	if w.count++; w.count > maxOwnFiles {
		return fmt.Errorf("the app names more than %d files", maxOwnFiles)
	}
	return nil
}

// addLink adds a link. A relative one must stay in the folder that is copied:
// it would mean something else in the image than here. An absolute one names
// a path of the image, and is never followed here.
func (w *walker) addLink(top, name string) error {
	target, err := w.root.Readlink(name)
	if err != nil {
		return explain(name, err)
	}
	if !w.anyLinks {
		if err := w.checkLink(top, name, target); err != nil {
			return err
		}
	}
	w.found = append(w.found, found{path: filepath.ToSlash(name), link: target})
	return w.countOne()
}

func (w *walker) checkLink(top, name, target string) error {
	if filepath.IsAbs(target) {
		if folder, err := filepath.Abs(filepath.Join(w.root.Name(), top)); err == nil && below(path.Clean(target), []string{folder}) != "" {
			return fmt.Errorf("%s is a symbolic link to %s, a path of this machine; make it relative", name, target)
		}
		return nil
	}
	inside, err := filepath.Rel(top, filepath.Join(filepath.Dir(name), target))
	if err != nil || !filepath.IsLocal(inside) {
		return fmt.Errorf("%s is a symbolic link to %s, outside of %s; leave it out, and make it in a step with: ln -s", name, target, top)
	}
	var errno syscall.Errno
	if _, err := w.root.Stat(name); errors.As(err, &errno) { // not so where it leads to an absolute one
		return explain(name, err)
	}
	return nil
}

func special(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}
