package squashfs

import (
	"encoding/binary"
	"errors"
	"io"
)

// Limits on what is kept in memory.
const (
	keptBlocks = 1024 // of 8 KiB
	keptPieces = 16   // of up to 1 MiB
)

// stored is set in the two bytes before a metadata block that is not
// compressed.
const stored = 1 << 15

// block is a metadata block, and where the next one lies.
type block struct {
	data []byte
	next int64
}

// metadata reads the block that lies at an offset.
func (f *FS) metadata(at int64) (block, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b, ok := f.blocks[at]; ok {
		return b, nil
	}
	var head [2]byte
	if !f.inImage(uint64(at), 2) {
		return block{}, broken("metadata lies outside")
	}
	if _, err := f.r.ReadAt(head[:], at); err != nil {
		return block{}, broken("reading metadata: %w", err)
	}
	size := binary.LittleEndian.Uint16(head[:])
	length := int(size &^ stored)
	if length == 0 || length > metadataSize || !f.inImage(uint64(at)+2, uint64(length)) {
		return block{}, broken("a metadata block of %d bytes", length)
	}
	data := make([]byte, length)
	if _, err := f.r.ReadAt(data, at+2); err != nil {
		return block{}, broken("reading metadata: %w", err)
	}
	b := block{data, at + 2 + int64(length)}
	if size&stored == 0 {
		var err error
		if b.data, err = f.unpack(data, metadataSize); err != nil {
			return block{}, err
		}
		if len(b.data) == 0 { // or a reader would go through the whole file
			return block{}, broken("an empty metadata block")
		}
	}
	if len(f.blocks) >= keptBlocks {
		clear(f.blocks)
	}
	f.blocks[at] = b
	return b, nil
}

// stream reads metadata from one place on, over the ends of blocks.
type stream struct {
	fs     *FS
	at     int64
	offset int
}

// from is a stream of the table that begins at start; a reference has the
// block's offset in the table in its upper bits and that in the block in the
// lowest 16.
func (f *FS) from(start, reference uint64) (*stream, error) {
	at := start + reference>>16
	if at < start || !f.inImage(at, 2) {
		return nil, broken("a reference leads outside")
	}
	return &stream{f, int64(at), int(reference & 0xffff)}, nil
}

// Read fills p or fails.
func (s *stream) Read(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		b, err := s.fs.metadata(s.at)
		if err != nil {
			return done, err
		}
		if s.offset > len(b.data) {
			return done, broken("an offset of %d in a metadata block of %d bytes", s.offset, len(b.data))
		}
		n := copy(p[done:], b.data[s.offset:])
		done, s.offset = done+n, s.offset+n
		if s.offset == len(b.data) {
			s.at, s.offset = b.next, 0
		}
	}
	return done, nil
}

// bytes reads the next ones; its callers bound the count.
func (s *stream) bytes(count int) ([]byte, error) {
	p := make([]byte, count)
	_, err := s.Read(p)
	return p, err
}

// table is a list of entries of one size in metadata blocks, whose places are
// listed in turn.
type table struct {
	fs     *FS
	start  uint64
	count  int64
	entry  int64
	places int64
}

func (f *FS) table(start uint64, count, entry int64) (table, error) {
	places := (count*entry + metadataSize - 1) / metadataSize
	if !f.inImage(start, uint64(places)*8) {
		return table{}, broken("a table lies outside")
	}
	return table{f, start, count, entry, places}, nil
}

// get reads one entry.
func (t table) get(index int64) ([]byte, error) {
	if index < 0 || index >= t.count {
		return nil, broken("entry %d of a table of %d", index, t.count)
	}
	at := index * t.entry
	var place [8]byte
	if _, err := t.fs.r.ReadAt(place[:], int64(t.start)+at/metadataSize*8); err != nil && !errors.Is(err, io.EOF) {
		return nil, broken("reading table: %w", err)
	}
	s, err := t.fs.from(binary.LittleEndian.Uint64(place[:]), uint64(at%metadataSize))
	if err != nil {
		return nil, err
	}
	return s.bytes(int(t.entry))
}

// readIDs reads the numbers of users and groups that inodes refer to.
func (f *FS) readIDs() ([]uint32, error) {
	t, err := f.table(f.super.IDTable, int64(f.super.IDs), 4)
	if err != nil {
		return nil, err
	}
	ids := make([]uint32, f.super.IDs)
	for i := range ids {
		b, err := t.get(int64(i))
		if err != nil {
			return nil, err
		}
		ids[i] = binary.LittleEndian.Uint32(b)
	}
	return ids, nil
}
