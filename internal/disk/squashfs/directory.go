package squashfs

import (
	"encoding/binary"
	"strings"

	"github.com/bakelite/bakelite/internal/disk/inodes"
)

// Limits of one folder.
const (
	// maxList is the size of its list in bytes: a million of names.
	maxList = 64 << 20
	// maxName is the longest name in bytes, which the form itself sets.
	maxName = 256
	// dots is what a list's size counts for "." and "..", which it lacks.
	dots = 3
)

// List reads the names of a folder.
func (n *inode) List() ([]inodes.Name, error) {
	if n.size <= dots {
		return nil, nil
	}
	if n.size > maxList {
		return nil, broken("a folder of %d bytes", n.size)
	}
	s, err := n.fs.from(n.fs.super.DirTable, n.list)
	if err != nil {
		return nil, err
	}
	var all []inodes.Name
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
func (s *stream) name(block uint64) (inodes.Name, int64, error) {
	// The offset of its inode, a difference of numbers, its kind, and the size
	// of its name less one.
	e, err := s.bytes(8)
	if err != nil {
		return inodes.Name{}, 0, err
	}
	le := binary.LittleEndian
	size := int(le.Uint16(e[6:])) + 1
	if size > maxName {
		return inodes.Name{}, 0, broken("a name of %d bytes", size)
	}
	text, err := s.bytes(size)
	if err != nil {
		return inodes.Name{}, 0, err
	}
	if t := string(text); t == "." || t == ".." || strings.ContainsAny(t, "/\x00") {
		return inodes.Name{}, 0, broken("the name %q", t)
	}
	return inodes.Name{Text: string(text), Inode: block<<16 | uint64(le.Uint16(e))}, int64(size) + 8, nil
}
