package content

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/diskfs/go-diskfs/backend"

	"github.com/bakelite/bakelite/internal/fault"
)

// storage shows a partition to diskfs, read-only.
type storage struct{ *io.SectionReader }

var errReadOnly = errors.New("the partition is open for reading only")

func (s storage) Stat() (fs.FileInfo, error)              { return nil, errReadOnly }
func (s storage) Close() error                            { return nil }
func (s storage) Sys() (*os.File, error)                  { return nil, errReadOnly }
func (s storage) Writable() (backend.WritableFile, error) { return nil, errReadOnly }
func (s storage) Path() string                            { return "" }

// squashfsFits refuses a file system that is larger than its partition:
// bytes_used at offset 40 of the superblock
// (Documentation/filesystems/squashfs.rst).
func squashfsFits(r *io.SectionReader) error {
	b := make([]byte, 8)
	if _, err := r.ReadAt(b, 40); err != nil {
		return err
	}
	return within(r, binary.LittleEndian.Uint64(b), 1)
}

// ext4Fits is squashfsFits for ext4: s_blocks_count at offsets 4 and 0x150 of
// the superblock at 1024, s_log_block_size at 0x18
// (Documentation/filesystems/ext4/super.rst).
func ext4Fits(r *io.SectionReader) error {
	b := make([]byte, 1024)
	if _, err := r.ReadAt(b, 1024); err != nil {
		return err
	}
	le := binary.LittleEndian
	if le.Uint32(b[0x18:]) > 6 {
		return fault.New(fault.Integrity, "ext4 with blocks of 2^%d KiB", le.Uint32(b[0x18:]))
	}
	return within(r, uint64(le.Uint32(b[0x150:]))<<32|uint64(le.Uint32(b[4:])), 1024<<le.Uint32(b[0x18:]))
}

func within(r *io.SectionReader, units, unit uint64) error {
	if units > uint64(r.Size())/unit {
		return fault.New(fault.Integrity, "the file system is larger than its partition")
	}
	return nil
}
