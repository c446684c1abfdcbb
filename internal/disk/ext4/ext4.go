// Package ext4 reads ext4 file systems in full: modes with all of their bits,
// owners, device numbers and extended attributes too, which is what judges of
// a disk look at. What is read is not trusted: every place and size is compared
// with the file system's own. It refuses what a kernel would see otherwise, such as
// a journal that is to be replayed, and forms that are not read: files in
// block maps as ext2 has them, data in inodes, encryption. The layout follows the kernel's
// Documentation/filesystems/ext4.
package ext4

import (
	"encoding/binary"
	"io"

	"github.com/bakelite/bakelite/internal/disk/inodes"
	"github.com/bakelite/bakelite/internal/fault"
)

const (
	superAt   = 1024
	superSize = 1024
	magic     = 0xEF53
	rootInode = 2
	// minInode is the size of an inode before ext4, in bytes.
	minInode = 128
)

// Features that change what a reader has to do (s_feature_incompat).
const (
	recover   = 0x4
	metaBG    = 0x10
	wide      = 0x80
	supported = 0x2 | 0x40 | wide | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 // filetype, extents, mmp, flex_bg, ea_inode, csum_seed, largedir
)

// FS is an open file system. It is an io/fs.FS with ReadDir, Lstat and
// ReadLink; no method follows a link. It is safe for concurrent use.
type FS struct {
	*inodes.FS
	r          io.ReaderAt
	block      int64 // bytes
	blocks     uint64
	inodes     uint32
	perGroup   uint32
	inodeSize  int64
	groupsAt   int64
	groupBytes int64
}

// Open reads the superblock of a file system in size bytes; errors are of kind
// Integrity, or Invalid for a form that is not read.
func Open(r io.ReaderAt, size int64) (*FS, error) {
	b := make([]byte, superSize)
	if _, err := r.ReadAt(b, superAt); err != nil {
		return nil, broken("reading superblock: %w", err)
	}
	le := binary.LittleEndian
	if le.Uint16(b[0x38:]) != magic {
		return nil, broken("there is no superblock")
	}
	f := &FS{r: r, inodes: le.Uint32(b), perGroup: le.Uint32(b[0x28:]), inodeSize: minInode, groupBytes: 32}
	f.FS = inodes.New(rootInode, func(number uint64) (inodes.Inode, error) { return f.inode(uint32(number)) })
	f.blocks = uint64(le.Uint32(b[4:]))
	features := le.Uint32(b[0x60:])
	if features&wide != 0 {
		f.blocks |= uint64(le.Uint32(b[0x150:])) << 32
		f.groupBytes = int64(le.Uint16(b[0xFE:]))
	}
	if le.Uint32(b[0x4C:]) > 0 { // the first revision has no field for it
		f.inodeSize = int64(le.Uint16(b[0x58:]))
	}
	if err := readable(features); err != nil {
		return nil, err
	}
	logBlock := le.Uint32(b[0x18:])
	switch {
	case logBlock > 6:
		return nil, broken("blocks of 2^%d KiB", logBlock)
	case f.inodeSize < minInode || f.inodeSize > 1024<<logBlock || f.perGroup == 0 || f.groupBytes < 32 || f.groupBytes > 1024:
		return nil, broken("inodes of %d bytes, %d in a group of %d bytes", f.inodeSize, f.perGroup, f.groupBytes)
	}
	f.block = 1024 << logBlock
	if f.blocks > uint64(size/f.block) {
		return nil, broken("it is larger than its partition")
	}
	f.groupsAt = (int64(le.Uint32(b[0x14:])) + 1) * f.block
	root, err := f.inode(rootInode)
	if err == nil && root.kind() != folder {
		err = broken("its root is no folder")
	}
	return f, err
}

func readable(features uint32) error {
	switch {
	case features&recover != 0:
		err := fault.New(fault.Invalid, "the ext4 file system was not unmounted: what its journal holds is not in place yet")
		return fault.Hint(err, "have e2fsck replay the journal")
	case features&^supported != 0:
		return fault.New(fault.Invalid, "ext4 with features that are not read: %#x", features&^supported)
	}
	return nil
}

func broken(format string, args ...any) error {
	return fault.New(fault.Integrity, "the ext4 file system is broken: "+format, args...)
}

// at reads bytes of a block.
func (f *FS) at(block uint64, offset int64, p []byte) error {
	if block >= f.blocks || offset < 0 || offset+int64(len(p)) > f.block {
		return broken("block %d lies outside", block)
	}
	if _, err := f.r.ReadAt(p, int64(block)*f.block+offset); err != nil {
		return broken("reading block %d: %w", block, err)
	}
	return nil
}

// inodeBytes reads an inode as it is stored.
func (f *FS) inodeBytes(number uint32) ([]byte, error) {
	if number == 0 || number > f.inodes {
		return nil, broken("inode %d of %d", number, f.inodes)
	}
	group, index := (number-1)/f.perGroup, int64((number-1)%f.perGroup)
	d := make([]byte, f.groupBytes)
	if _, err := f.r.ReadAt(d, f.groupsAt+int64(group)*f.groupBytes); err != nil {
		return nil, broken("reading group %d: %w", group, err)
	}
	table := uint64(binary.LittleEndian.Uint32(d[8:]))
	if f.groupBytes >= 64 {
		table |= uint64(binary.LittleEndian.Uint32(d[0x28:])) << 32
	}
	b := make([]byte, f.inodeSize)
	at := index * f.inodeSize
	return b, f.at(table+uint64(at/f.block), at%f.block, b)
}
