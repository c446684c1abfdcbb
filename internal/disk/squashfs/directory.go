package squashfs

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Limits of one folder.
const (
	// maxList is the size of its list in bytes: a million of names.
	maxList = 64 << 20
	// maxName is the longest name in bytes, which the form itself sets.
	maxName = 256
	// dots is what a list's size counts for "." and "..", which it lacks.
	dots = 3
	// keptFolders is how many folders are remembered by name.
	keptFolders = 1 << 16
)

// name is an entry of a folder.
type name struct {
	text      string
	reference uint64
	kind      uint16
}

// list reads the names of a folder.
func (f *FS) list(n *inode) ([]name, error) {
	if n.size <= dots {
		return nil, nil
	}
	if n.size > maxList {
		return nil, broken("a folder of %d bytes", n.size)
	}
	s, err := f.from(f.super.DirTable, n.list)
	if err != nil {
		return nil, err
	}
	var all []name
	for left := int64(n.size) - dots; left > 0; {
		var h struct{ Count, Block, Number uint32 }
		if err := s.fields(&h); err != nil {
			return nil, err
		}
		left -= 12
		for range int64(h.Count) + 1 {
			if left <= 0 {
				return nil, broken("a folder with more names than its size")
			}
			entry, size, err := s.name(uint64(h.Block))
			if err != nil {
				return nil, err
			}
			all, left = append(all, entry), left-size
		}
	}
	return all, nil
}

// name reads one entry, and says how many bytes it took.
func (s *stream) name(block uint64) (name, int64, error) {
	// The offset of its inode, a difference of numbers, its kind, and the size
	// of its name less one.
	e, err := s.bytes(8)
	if err != nil {
		return name{}, 0, err
	}
	le := binary.LittleEndian
	size := int(le.Uint16(e[6:])) + 1
	if size > maxName {
		return name{}, 0, broken("a name of %d bytes", size)
	}
	text, err := s.bytes(size)
	if err != nil {
		return name{}, 0, err
	}
	if t := string(text); t == "." || t == ".." || strings.ContainsAny(t, "/\x00") {
		return name{}, 0, broken("the name %q", t)
	}
	return name{string(text), block<<16 | uint64(le.Uint16(e)), le.Uint16(e[4:])}, int64(size) + 8, nil
}

// find returns the inode at a path of io/fs's form. It follows no link.
func (f *FS) find(operation, path string) (*inode, error) {
	if !fs.ValidPath(path) {
		return nil, &fs.PathError{Op: operation, Path: path, Err: fs.ErrInvalid}
	}
	reference, err := f.reference(path)
	if err != nil {
		return nil, &fs.PathError{Op: operation, Path: path, Err: err}
	}
	return f.inode(reference)
}

// reference finds where a path's inode lies.
func (f *FS) reference(at string) (uint64, error) {
	if at == "." {
		return f.super.Root, nil
	}
	f.mu.Lock()
	known, ok := f.dirs[at]
	f.mu.Unlock()
	if ok {
		return known, nil
	}
	above, err := f.reference(path.Dir(at))
	if err != nil {
		return 0, err
	}
	n, err := f.inode(above)
	if err != nil {
		return 0, err
	}
	if n.kind != folderKind {
		return 0, fs.ErrNotExist
	}
	names, err := f.list(n)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(names, func(n name) bool { return n.text == path.Base(at) })
	if i < 0 {
		return 0, fs.ErrNotExist
	}
	if names[i].kind == folderKind {
		f.remember(at, names[i].reference)
	}
	return names[i].reference, nil
}

func (f *FS) remember(at string, reference uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.dirs) >= keptFolders {
		clear(f.dirs)
	}
	f.dirs[at] = reference
}

// ReadDir lists a folder, sorted by name.
func (f *FS) ReadDir(at string) ([]fs.DirEntry, error) {
	n, err := f.find("readdir", at)
	if err != nil {
		return nil, err
	}
	if n.kind != folderKind {
		return nil, &fs.PathError{Op: "readdir", Path: at, Err: errors.New("not a folder")}
	}
	names, err := f.list(n)
	if err != nil {
		return nil, err
	}
	entries := make([]fs.DirEntry, len(names))
	for i, e := range names {
		child, err := f.inode(e.reference)
		if err != nil {
			return nil, err
		}
		info, err := f.info(e.text, child)
		if err != nil {
			return nil, err
		}
		if child.kind == folderKind {
			f.remember(path.Join(at, e.text), e.reference)
		}
		entries[i] = fs.FileInfoToDirEntry(info)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}
