package squashfs

import (
	"encoding/binary"
)

// Limits of the extended attributes of one file.
const (
	maxXattrs = 256
	// maxXattr is the size of one value in bytes: Linux's XATTR_SIZE_MAX.
	maxXattr = 64 << 10
)

// elsewhere is set in the type of an attribute whose value stands in another
// place, which it shares.
const elsewhere = 0x100

// prefixes of the types of attributes; there are no others.
func prefixes() []string { return []string{"user.", "trusted.", "security."} }

// xattrTable is the list of all sets of attributes; start is where the sets
// themselves lie.
type xattrTable struct {
	table
	start uint64
}

func (f *FS) readXattrTable() (xattrTable, error) {
	at := f.super.XattrTable
	if at == noTable {
		return xattrTable{}, nil
	}
	var h [16]byte
	if !f.inImage(at, 16) {
		return xattrTable{}, broken("its attributes lie outside")
	}
	if _, err := f.r.ReadAt(h[:], int64(at)); err != nil {
		return xattrTable{}, broken("reading attributes: %w", err)
	}
	t, err := f.table(at+16, int64(binary.LittleEndian.Uint32(h[8:])), 16)
	return xattrTable{t, binary.LittleEndian.Uint64(h[:])}, err
}

// get reads the set of attributes of an inode.
func (t xattrTable) get(index uint32) (map[string]string, error) {
	if index == none {
		return nil, nil
	}
	e, err := t.table.get(int64(index))
	if err != nil {
		return nil, err
	}
	s, err := t.fs.from(t.start, binary.LittleEndian.Uint64(e))
	if err != nil {
		return nil, err
	}
	count := binary.LittleEndian.Uint32(e[8:])
	if count > maxXattrs {
		return nil, broken("%d attributes of one file", count)
	}
	all := map[string]string{}
	for range count {
		key, value, err := t.pair(s)
		if err != nil {
			return nil, err
		}
		all[key] = value
	}
	return all, nil
}

func (t xattrTable) pair(s *stream) (key, value string, err error) {
	var k struct{ Type, Size uint16 }
	if err := s.fields(&k); err != nil {
		return "", "", err
	}
	prefix := int(k.Type &^ elsewhere)
	if prefix >= len(prefixes()) || k.Size > maxName {
		return "", "", broken("an attribute of the type %d with a name of %d bytes", k.Type, k.Size)
	}
	name, err := s.bytes(int(k.Size))
	if err != nil {
		return "", "", err
	}
	text, err := s.value()
	if err == nil && k.Type&elsewhere != 0 {
		text, err = t.shared(text)
	}
	return prefixes()[prefix] + string(name), string(text), err
}

func (s *stream) value() ([]byte, error) {
	var size uint32
	if err := s.fields(&size); err != nil {
		return nil, err
	}
	if size > maxXattr {
		return nil, broken("an attribute of %d bytes", size)
	}
	return s.bytes(int(size))
}

// shared reads the value that stands at a reference.
func (t xattrTable) shared(reference []byte) ([]byte, error) {
	if len(reference) != 8 {
		return nil, broken("a reference of %d bytes to an attribute", len(reference))
	}
	s, err := t.fs.from(t.start, binary.LittleEndian.Uint64(reference))
	if err != nil {
		return nil, err
	}
	return s.value()
}
