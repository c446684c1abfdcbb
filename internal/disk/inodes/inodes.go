// Package inodes holds what readers of file systems have alike: an io/fs.FS
// over inodes, whose folders are listed and whose files are read in pieces. It
// follows no link, and leaves the bytes and their limits to who reads them:
// internal/disk/ext4 and internal/disk/squashfs.
package inodes

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

// keptFolders is how many folders are remembered by name.
const keptFolders = 1 << 16

// Inode is what a file system says of one file.
type Inode interface {
	// Mode has the bits for set-uid, set-gid and sticky too.
	Mode() fs.FileMode
	// Size is in bytes.
	Size() uint64
	// Modified is in seconds since 1970.
	Modified() uint32
	// Target is where a link leads.
	Target() string
	// Stat is the rest.
	Stat() (Stat, error)
	// List reads the names of a folder, without "." and "..".
	List() ([]Name, error)
	// Pieces reads a regular file from its start on: each call returns the
	// piece at a place, of one byte at least, where the one before ended.
	Pieces() func(at uint64) ([]byte, error)
}

// Stat is what Sys of a file's information points to.
type Stat struct {
	UID, GID uint32
	// Major and Minor are the numbers of a device node.
	Major, Minor uint32
	// Target is where a link leads.
	Target string
	// Xattrs are the extended attributes by their full names.
	Xattrs map[string]string
}

// Name is an entry of a folder, and where its inode is read.
type Name struct {
	Text  string
	Inode uint64
}

// FS is a file system with ReadDir, Lstat and ReadLink; no method follows a
// link. It is safe for concurrent use where read is.
type FS struct {
	root uint64
	read func(at uint64) (Inode, error)

	mu   sync.Mutex
	dirs map[string]uint64 // folders that were met, by name
}

// New returns the file system below a root, whose inodes read gives.
func New(root uint64, read func(at uint64) (Inode, error)) *FS {
	return &FS{root: root, read: read, dirs: map[string]uint64{}}
}

// find returns the inode at a path of io/fs's form.
func (f *FS) find(operation, at string) (Inode, error) {
	if !fs.ValidPath(at) {
		return nil, &fs.PathError{Op: operation, Path: at, Err: fs.ErrInvalid}
	}
	place, err := f.place(at)
	if err != nil {
		return nil, &fs.PathError{Op: operation, Path: at, Err: err}
	}
	return f.read(place)
}

// place finds where a path's inode is read.
func (f *FS) place(at string) (uint64, error) {
	if at == "." {
		return f.root, nil
	}
	if known, ok := f.remembered(at); ok {
		return known, nil
	}
	above, err := f.place(path.Dir(at))
	if err != nil {
		return 0, err
	}
	n, err := f.read(above)
	if err != nil {
		return 0, err
	}
	if !n.Mode().IsDir() {
		return 0, fs.ErrNotExist
	}
	f.remember(path.Dir(at), above)
	list, err := n.List()
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(list, func(n Name) bool { return n.Text == path.Base(at) })
	if i < 0 {
		return 0, fs.ErrNotExist
	}
	return list[i].Inode, nil
}

func (f *FS) remembered(at string) (uint64, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	place, ok := f.dirs[at]
	return place, ok
}

func (f *FS) remember(at string, place uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.dirs) >= keptFolders {
		clear(f.dirs)
	}
	f.dirs[at] = place
}

// ReadDir lists a folder, sorted by name.
func (f *FS) ReadDir(at string) ([]fs.DirEntry, error) {
	n, err := f.find("readdir", at)
	if err != nil {
		return nil, err
	}
	if !n.Mode().IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: at, Err: errors.New("not a folder")}
	}
	list, err := n.List()
	if err != nil {
		return nil, err
	}
	all := make([]fs.DirEntry, len(list))
	for i, e := range list {
		child, err := f.read(e.Inode)
		if err != nil {
			return nil, err
		}
		about, err := infoOf(e.Text, child)
		if err != nil {
			return nil, err
		}
		if about.IsDir() {
			f.remember(path.Join(at, e.Text), e.Inode)
		}
		all[i] = fs.FileInfoToDirEntry(about)
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}
