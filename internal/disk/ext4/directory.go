package ext4

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	// maxList is the size of a folder in bytes: some million of names.
	maxList = 256 << 20
	// keptFolders is how many folders are remembered by name.
	keptFolders = 1 << 16
	// entryHead is the size of an entry without its name, in bytes.
	entryHead = 8
)

// name is an entry of a folder.
type name struct {
	text  string
	inode uint32
}

// list reads the names of a folder. The nodes of its index look like entries
// that are not used.
func (f *FS) list(n *inode) ([]name, error) {
	if n.size > maxList || n.size%uint64(f.block) != 0 {
		return nil, broken("a folder of %d bytes", n.size)
	}
	var all []name
	for at := uint64(0); at < n.size; {
		b, err := f.piece(n, at)
		if err != nil {
			return nil, err
		}
		at += uint64(len(b))
		for block := range slices.Chunk(b, int(f.block)) {
			if all, err = names(block, all); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// names reads the entries of one block.
func names(b []byte, all []name) ([]name, error) {
	le := binary.LittleEndian
	for len(b) >= entryHead {
		length := int(le.Uint16(b[4:]))
		if length == 0 || length == 0xffff { // a block of 64 KiB
			length = len(b)
		}
		size := int(b[6])
		if length < entryHead || length > len(b) || entryHead+size > length {
			return nil, broken("an entry of %d bytes", length)
		}
		if number := le.Uint32(b); number != 0 && size > 0 {
			text := string(b[entryHead : entryHead+size])
			switch {
			case text == "." || text == "..":
			case strings.ContainsAny(text, "/\x00"):
				return nil, broken("the name %q", text)
			default:
				all = append(all, name{text, number})
			}
		}
		b = b[length:]
	}
	return all, nil
}

// find returns the inode at a path of io/fs's form. It follows no link.
func (f *FS) find(operation, at string) (*inode, error) {
	if !fs.ValidPath(at) {
		return nil, &fs.PathError{Op: operation, Path: at, Err: fs.ErrInvalid}
	}
	number, err := f.number(at)
	if err != nil {
		return nil, &fs.PathError{Op: operation, Path: at, Err: err}
	}
	return f.inode(number)
}

// number finds a path's inode.
func (f *FS) number(at string) (uint32, error) {
	if at == "." {
		return rootInode, nil
	}
	f.mu.Lock()
	known, ok := f.dirs[at]
	f.mu.Unlock()
	if ok {
		return known, nil
	}
	above, err := f.number(path.Dir(at))
	if err != nil {
		return 0, err
	}
	n, err := f.inode(above)
	if err != nil {
		return 0, err
	}
	if n.kind() != folder {
		return 0, fs.ErrNotExist
	}
	list, err := f.list(n)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(list, func(n name) bool { return n.text == path.Base(at) })
	if i < 0 {
		return 0, fs.ErrNotExist
	}
	return list[i].inode, nil
}

func (f *FS) remember(at string, number uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.dirs) >= keptFolders {
		clear(f.dirs)
	}
	f.dirs[at] = number
}

// ReadDir lists a folder, sorted by name.
func (f *FS) ReadDir(at string) ([]fs.DirEntry, error) {
	n, err := f.find("readdir", at)
	if err != nil {
		return nil, err
	}
	if n.kind() != folder {
		return nil, &fs.PathError{Op: "readdir", Path: at, Err: errors.New("not a folder")}
	}
	list, err := f.list(n)
	if err != nil {
		return nil, err
	}
	all := make([]fs.DirEntry, len(list))
	for i, e := range list {
		child, err := f.inode(e.inode)
		if err != nil {
			return nil, err
		}
		if child.kind() == folder {
			f.remember(path.Join(at, e.text), e.inode)
		}
		all[i] = fs.FileInfoToDirEntry(info{e.text, child})
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}
