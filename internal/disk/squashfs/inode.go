package squashfs

import (
	"bytes"
	"encoding/binary"
)

// Kinds of inodes; the extended form of each has extendedBy added.
const (
	folderKind = iota + 1
	fileKind
	linkKind
	blockKind
	characterKind
	pipeKind
	socketKind

	extendedBy = 7
)

// maxTarget is the longest target of a link, in bytes: Linux's PATH_MAX.
const maxTarget = 4096

// inode is what the file system says of one file.
type inode struct {
	fs       *FS
	kind     uint16 // without extendedBy
	mode     uint16 // permissions
	uid, gid uint32
	modified uint32
	xattr    uint32
	size     uint64
	device   uint32
	target   string

	// Of a folder: where its list lies.
	list uint64
	// Of a file: where its blocks begin, its fragment, and a stream of the
	// sizes of its blocks.
	blocks           uint64
	fragment, offset uint32
	sizes            stream
}

// inode reads the one that a reference leads to.
func (f *FS) inode(reference uint64) (*inode, error) {
	s, err := f.from(f.super.InodeTable, reference)
	if err != nil {
		return nil, err
	}
	var h struct {
		Kind, Mode, UID, GID uint16
		Modified, Number     uint32
	}
	if err := s.fields(&h); err != nil {
		return nil, err
	}
	if int(h.UID) >= len(f.ids) || int(h.GID) >= len(f.ids) {
		return nil, broken("an owner that is not listed")
	}
	n := &inode{fs: f, kind: h.Kind, mode: h.Mode, uid: f.ids[h.UID], gid: f.ids[h.GID], modified: h.Modified, xattr: none}
	extended := h.Kind > extendedBy
	if extended {
		n.kind -= extendedBy
	}
	switch n.kind {
	case folderKind:
		return n, n.readFolder(s, extended)
	case fileKind:
		return n, n.readFile(s, extended)
	case linkKind:
		return n, n.readLink(s, extended)
	case blockKind, characterKind, pipeKind, socketKind:
		return n, n.readSpecial(s, extended)
	}
	return nil, broken("an inode of the kind %d", h.Kind)
}

// fields reads a structure of little-endian numbers.
func (s *stream) fields(into any) error {
	b, err := s.bytes(binary.Size(into))
	if err != nil {
		return err
	}
	return binary.Read(bytes.NewReader(b), binary.LittleEndian, into)
}

func (n *inode) readFolder(s *stream, extended bool) error {
	if extended {
		var d struct {
			Links, Size, Block, Parent uint32
			Indexes, Offset            uint16
			Xattr                      uint32
		}
		err := s.fields(&d)
		n.size, n.list, n.xattr = uint64(d.Size), uint64(d.Block)<<16|uint64(d.Offset), d.Xattr
		return err
	}
	var d struct {
		Block, Links uint32
		Size, Offset uint16
		Parent       uint32
	}
	err := s.fields(&d)
	n.size, n.list = uint64(d.Size), uint64(d.Block)<<16|uint64(d.Offset)
	return err
}

func (n *inode) readFile(s *stream, extended bool) error {
	var err error
	if extended {
		var d struct {
			Blocks, Size, Sparse             uint64
			Links, Fragment, Offset, XattrID uint32
		}
		err = s.fields(&d)
		n.blocks, n.size, n.fragment, n.offset, n.xattr = d.Blocks, d.Size, d.Fragment, d.Offset, d.XattrID
	} else {
		var d struct{ Blocks, Fragment, Offset, Size uint32 }
		err = s.fields(&d)
		n.blocks, n.size, n.fragment, n.offset = uint64(d.Blocks), uint64(d.Size), d.Fragment, d.Offset
	}
	n.sizes = *s
	return err
}

func (n *inode) readLink(s *stream, extended bool) error {
	var d struct{ Links, Size uint32 }
	if err := s.fields(&d); err != nil {
		return err
	}
	if d.Size > maxTarget {
		return broken("a link to %d bytes", d.Size)
	}
	target, err := s.bytes(int(d.Size))
	if err != nil {
		return err
	}
	n.target, n.size = string(target), uint64(d.Size)
	if extended {
		err = s.fields(&n.xattr)
	}
	return err
}

func (n *inode) readSpecial(s *stream, extended bool) error {
	var links uint32
	if err := s.fields(&links); err != nil {
		return err
	}
	if n.kind == blockKind || n.kind == characterKind {
		if err := s.fields(&n.device); err != nil {
			return err
		}
	}
	if extended {
		return s.fields(&n.xattr)
	}
	return nil
}
