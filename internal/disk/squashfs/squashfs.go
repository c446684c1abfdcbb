// Package squashfs reads squashfs 4.0 file systems in full: modes with all of
// their bits, owners, device numbers and extended attributes too, which is
// what judges of a disk look at. It also writes small ones, for who hands a
// program to a machine. What is read is not trusted: every offset and size is
// compared with the file system's own, and unpacked blocks are bounded. It
// refuses the compressions lzma, lzo and lz4. The layout follows the kernel's
// Documentation/filesystems/squashfs.rst and fs/squashfs/squashfs_fs.h.
package squashfs

import (
	"encoding/binary"
	"io"
	"sync"

	"github.com/bakelite/bakelite/internal/disk/inodes"
	"github.com/bakelite/bakelite/internal/fault"
)

// Sizes in bytes, and marks of what is not there.
const (
	superSize    = 96
	magic        = 0x73717368
	metadataSize = 8 << 10
	minBlock     = 4 << 10
	maxBlock     = 1 << 20
	none         = 0xffffffff
	noTable      = 0xffffffffffffffff
)

// super is the superblock without what only writers need.
type super struct {
	Magic, Inodes, Modified, BlockSize, Fragments uint32
	Compression, BlockLog, Flags, IDs             uint16
	Major, Minor                                  uint16
	Root, Used                                    uint64
	IDTable, XattrTable, InodeTable, DirTable     uint64
	FragmentTable, ExportTable                    uint64
}

// FS is an open file system. It is an io/fs.FS with ReadDir, Lstat and
// ReadLink; no method follows a link. It is safe for concurrent use.
type FS struct {
	*inodes.FS
	r      io.ReaderAt
	super  super
	unpack func(packed []byte, max int) ([]byte, error)

	ids       []uint32
	fragments table
	xattrs    xattrTable

	mu     sync.Mutex
	blocks map[int64]block  // metadata, by where it lies
	pieces map[int64][]byte // fragments, by where they lie
}

// Open reads the superblock and the tables of a file system of size bytes;
// errors are of kind Integrity, or Invalid for a form that is not read.
func Open(r io.ReaderAt, size int64) (*FS, error) {
	f := &FS{r: r, blocks: map[int64]block{}, pieces: map[int64][]byte{}}
	if err := binary.Read(io.NewSectionReader(r, 0, superSize), binary.LittleEndian, &f.super); err != nil {
		return nil, broken("reading superblock: %w", err)
	}
	s := f.super
	switch {
	case s.Magic != magic:
		return nil, broken("there is no superblock")
	case s.Major != 4 || s.Minor != 0:
		return nil, fault.New(fault.Invalid, "squashfs version %d.%d: want 4.0", s.Major, s.Minor)
	case s.Used < superSize || s.Used > uint64(size):
		return nil, broken("it is larger than its partition")
	case s.BlockLog > 20 || s.BlockSize != 1<<s.BlockLog || s.BlockSize < minBlock || s.BlockSize > maxBlock:
		return nil, broken("blocks of %d bytes", s.BlockSize)
	}
	f.FS = inodes.New(s.Root, func(reference uint64) (inodes.Inode, error) { return f.inode(reference) })
	var err error
	if f.unpack, err = unpacker(s.Compression); err != nil {
		return nil, err
	}
	return f, f.tables()
}

// tables reads what all inodes refer to.
func (f *FS) tables() (err error) {
	if f.ids, err = f.readIDs(); err != nil {
		return err
	}
	if f.super.Fragments > 0 {
		if f.fragments, err = f.table(f.super.FragmentTable, int64(f.super.Fragments), fragmentSize); err != nil {
			return err
		}
	}
	if f.xattrs, err = f.readXattrTable(); err != nil {
		return err
	}
	root, err := f.inode(f.super.Root)
	if err == nil && root.kind != folderKind {
		err = broken("its root is no folder")
	}
	return err
}

func broken(format string, args ...any) error {
	return fault.New(fault.Integrity, "the squashfs is broken: "+format, args...)
}

// inImage says whether bytes lie in the file system.
func (f *FS) inImage(at, count uint64) bool {
	return at <= f.super.Used && count <= f.super.Used-at
}
