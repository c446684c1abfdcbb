package content

import (
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/disk/gpt"
	"github.com/bakelite/bakelite/internal/fault"
)

// The layout of UEFI specification 2.10, section 5.3, in bytes.
const (
	sector     = 512
	entrySize  = 128
	headerSize = 92
)

// partition is an entry of a GUID partition table.
type partition struct {
	kind          disk.GUID
	offset, bytes int64
}

// partitions reads the primary table of a disk of size bytes.
func partitions(r io.ReaderAt, size int64) ([]partition, error) {
	h := make([]byte, sector)
	if _, err := r.ReadAt(h, sector); err != nil {
		return nil, noTable("reading header: %w", err)
	}
	le := binary.LittleEndian
	if string(h[:8]) != "EFI PART" || le.Uint32(h[12:]) != headerSize || le.Uint32(h[84:]) != entrySize || le.Uint32(h[80:]) > gpt.MaxPartitions {
		return nil, noTable("unknown header")
	}
	sum := le.Uint32(h[16:])
	clear(h[16:20])
	if crc32.ChecksumIEEE(h[:headerSize]) != sum {
		return nil, noTable("its header's checksum is wrong")
	}
	entries := make([]byte, entrySize*le.Uint32(h[80:]))
	if at := le.Uint64(h[72:]); at > uint64(size/sector) {
		return nil, noTable("its entries lie outside of the disk")
	} else if _, err := r.ReadAt(entries, int64(at)*sector); err != nil {
		return nil, noTable("reading entries: %w", err)
	}
	if crc32.ChecksumIEEE(entries) != le.Uint32(h[88:]) {
		return nil, noTable("its entries' checksum is wrong")
	}
	return parse(entries, size)
}

func noTable(format string, args ...any) error {
	return fault.New(fault.Integrity, "the disk has no valid partition table: "+format, args...)
}

func parse(entries []byte, size int64) ([]partition, error) {
	var found []partition
	for e := entries; len(e) >= entrySize; e = e[entrySize:] {
		var onDisk disk.GUID
		copy(onDisk[:], e)
		if onDisk == (disk.GUID{}) {
			continue
		}
		first, last := binary.LittleEndian.Uint64(e[32:]), binary.LittleEndian.Uint64(e[40:])
		if first > last || last >= uint64(size/sector) {
			return nil, noTable("a partition lies outside of the disk")
		}
		// OnDisk swaps the same bytes both ways.
		found = append(found, partition{onDisk.OnDisk(), int64(first) * sector, int64(last-first+1) * sector})
	}
	return found, nil
}
