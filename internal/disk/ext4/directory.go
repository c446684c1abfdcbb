package ext4

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/disk/inodes"
)

const (
	// maxList is the size of a folder in bytes: some million of names.
	maxList = 256 << 20
	// entryHead is the size of an entry without its name, in bytes.
	entryHead = 8
)

// List reads the names of a folder. The nodes of its index look like entries
// that are not used.
func (n *inode) List() ([]inodes.Name, error) {
	f := n.fs
	if n.size > maxList || n.size%uint64(f.block) != 0 {
		return nil, broken("a folder of %d bytes", n.size)
	}
	var all []inodes.Name
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
func names(b []byte, all []inodes.Name) ([]inodes.Name, error) {
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
				all = append(all, inodes.Name{Text: text, Inode: uint64(number)})
			}
		}
		b = b[length:]
	}
	return all, nil
}
