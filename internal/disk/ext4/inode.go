package ext4

import (
	"encoding/binary"
	"sort"
	"strings"
)

// Types of files in a mode, and flags of an inode.
const (
	typeBits  = 0xF000
	folder    = 0x4000
	regular   = 0x8000
	link      = 0xA000
	character = 0x2000
	device    = 0x6000

	hasExtents = 0x80000
	hasInline  = 0x10000000
	encrypted  = 0x800
)

// Limits of one inode.
const (
	maxTarget  = 4096    // bytes, Linux's PATH_MAX
	maxExtents = 1 << 20 // pieces of one file
	maxDepth   = 5       // of a tree of extents, as the kernel has it
)

// inode is what the file system says of one file.
type inode struct {
	fs           *FS
	mode         uint16
	uid, gid     uint32
	size         uint64
	modified     uint32
	major, minor uint32
	target       string
	extents      []extent // in the order of the file
	nodes        int      // of the tree of extents
	xattrs       map[string]string
}

// extent is a piece of a file: blocks of it and where they lie; 0 is a hole.
type extent struct {
	first, count uint32
	start        uint64
}

func (n *inode) kind() uint16 { return n.mode & typeBits }

// inode reads one by its number.
func (f *FS) inode(number uint32) (*inode, error) {
	b, err := f.inodeBytes(number)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	n := &inode{
		fs: f, mode: le.Uint16(b), modified: le.Uint32(b[0x10:]), size: uint64(le.Uint32(b[4:])) | uint64(le.Uint32(b[0x6C:]))<<32,
		uid: uint32(le.Uint16(b[2:])) | uint32(le.Uint16(b[0x78:]))<<16,
		gid: uint32(le.Uint16(b[0x18:])) | uint32(le.Uint16(b[0x7A:]))<<16,
	}
	flags, data := le.Uint32(b[0x20:]), b[0x28:0x28+60]
	if flags&(hasInline|encrypted) != 0 {
		return nil, broken("inode %d has data in a form that is not read", number)
	}
	switch n.kind() {
	case character, device:
		n.major, n.minor = numbers(le.Uint32(data), le.Uint32(data[4:]))
	case link:
		if flags&hasExtents == 0 && n.size < 60 {
			n.target = string(data[:n.size])
			break
		}
		fallthrough
	case regular, folder:
		if flags&hasExtents == 0 && n.size > 0 {
			return nil, broken("inode %d lies in a block map, which is not read", number)
		}
		if n.size > 0 {
			err = f.follow(n, data, maxDepth)
		}
	}
	if err == nil && n.kind() == link && n.target == "" {
		n.target, err = f.longTarget(n)
	}
	if err != nil {
		return nil, err
	}
	n.xattrs, err = f.attributes(b)
	return n, err
}

// numbers are those of a device, in the old or the new form (the kernel's
// ext4_iget and linux/kdev_t.h).
func numbers(old, new uint32) (major, minor uint32) {
	if old != 0 {
		return old >> 8 & 0xff, old & 0xff
	}
	return new >> 8 & 0xfff, new&0xff | new>>12&0xfff00
}

// follow reads a node of the tree of extents.
func (f *FS) follow(n *inode, node []byte, depth uint16) error {
	le := binary.LittleEndian
	count, level := int(le.Uint16(node[2:])), le.Uint16(node[6:])
	if n.nodes++; le.Uint16(node) != 0xF30A || level > depth || 12+12*count > len(node) || n.nodes > maxExtents {
		return broken("a node of extents")
	}
	for e := node[12 : 12+12*count]; len(e) > 0; e = e[12:] {
		if level == 0 {
			if err := n.add(leaf(e)); err != nil {
				return err
			}
			continue
		}
		below := make([]byte, f.block)
		if err := f.at(uint64(le.Uint32(e[4:]))|uint64(le.Uint16(e[8:]))<<32, 0, below); err != nil {
			return err
		}
		if err := f.follow(n, below, level-1); err != nil {
			return err
		}
	}
	return nil
}

// unwritten is added to the length of an extent that reads as zeros.
const unwritten = 32768

func leaf(e []byte) extent {
	le := binary.LittleEndian
	x := extent{le.Uint32(e), uint32(le.Uint16(e[4:])), uint64(le.Uint32(e[8:])) | uint64(le.Uint16(e[6:]))<<32}
	if x.count > unwritten {
		x.count, x.start = x.count-unwritten, 0
	}
	return x
}

// add appends a piece, which comes after those before it.
func (n *inode) add(x extent) error {
	if last := len(n.extents) - 1; last >= 0 && uint64(n.extents[last].first)+uint64(n.extents[last].count) > uint64(x.first) || last+1 >= maxExtents {
		return broken("a piece of a file is out of its place")
	}
	n.extents = append(n.extents, x)
	return nil
}

func (f *FS) longTarget(n *inode) (string, error) {
	if n.size > maxTarget {
		return "", broken("a link to %d bytes", n.size)
	}
	var b strings.Builder
	for at := uint64(0); at < n.size; {
		piece, err := f.piece(n, at)
		if err != nil {
			return "", err
		}
		b.Write(piece)
		at += uint64(len(piece))
	}
	return b.String(), nil
}

// maxPiece is how much is read at once, in bytes.
const maxPiece = 256 << 10

// piece reads from a place of a file on: what lies together, up to maxPiece,
// or one block of a hole.
func (f *FS) piece(n *inode, at uint64) ([]byte, error) {
	block, offset, size := at/uint64(f.block), at%uint64(f.block), uint64(f.block)
	i := sort.Search(len(n.extents), func(i int) bool { return uint64(n.extents[i].first) > block }) - 1
	if i < 0 || n.extents[i].start == 0 || block-uint64(n.extents[i].first) >= uint64(n.extents[i].count) {
		return make([]byte, min(size-offset, n.size-at)), nil
	}
	x := n.extents[i]
	left := uint64(x.count) - (block - uint64(x.first))
	start := x.start + block - uint64(x.first)
	if start >= f.blocks || left > f.blocks-start {
		return nil, broken("a piece of a file lies outside")
	}
	p := make([]byte, min(left*size-offset, n.size-at, maxPiece))
	if _, err := f.r.ReadAt(p, int64(start*size+offset)); err != nil {
		return nil, broken("reading block %d: %w", start, err)
	}
	return p, nil
}
