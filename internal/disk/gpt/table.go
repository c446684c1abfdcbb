package gpt

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"unicode/utf16"
)

// The layout of UEFI specification 2.10, section 5.3, in bytes and sectors.
const (
	sector       = 512
	headerSize   = 92
	entrySize    = 128
	tableSize    = MaxPartitions * entrySize
	tableSectors = tableSize / sector
	labelUnits   = 36
)

// tables returns what the disk begins and ends with: protective MBR, header
// and entries, and the entries and the header again.
func (d Disk) tables(placed []span) (primary, backup *bytes.Reader) {
	entries, last := d.entries(placed), uint64(d.Size/sector-1)
	first := append(protectiveMBR(last), d.header(1, last, 2, entries)...)
	first = append(first, entries...)
	second := append(bytes.Clone(entries), d.header(last, 1, last-tableSectors, entries)...)
	return bytes.NewReader(first), bytes.NewReader(second)
}

func (d Disk) entries(placed []span) []byte {
	b := make([]byte, tableSize)
	for i, p := range d.Partitions {
		e := b[i*entrySize:]
		typ, id := p.Type.OnDisk(), p.ID.OnDisk()
		copy(e[0:], typ[:])
		copy(e[16:], id[:])
		binary.LittleEndian.PutUint64(e[32:], uint64(placed[i].offset/sector))
		binary.LittleEndian.PutUint64(e[40:], uint64((placed[i].offset+placed[i].size)/sector-1))
		binary.LittleEndian.PutUint64(e[48:], p.Attributes)
		for j, u := range utf16Label(p.Label) {
			binary.LittleEndian.PutUint16(e[56+2*j:], u)
		}
	}
	return b
}

// header returns the sector of a header that lies at own; other is where its
// twin lies and table where its entries do.
func (d Disk) header(own, other, table uint64, entries []byte) []byte {
	b, last := make([]byte, sector), uint64(d.Size/sector-1)
	copy(b, "EFI PART")
	le, id := binary.LittleEndian, d.ID.OnDisk()
	le.PutUint32(b[8:], 0x00010000) // revision 1.0
	le.PutUint32(b[12:], headerSize)
	le.PutUint64(b[24:], own)
	le.PutUint64(b[32:], other)
	le.PutUint64(b[40:], 2+tableSectors)      // first usable
	le.PutUint64(b[48:], last-1-tableSectors) // last usable
	copy(b[56:], id[:])
	le.PutUint64(b[72:], table)
	le.PutUint32(b[80:], MaxPartitions)
	le.PutUint32(b[84:], entrySize)
	le.PutUint32(b[88:], crc32.ChecksumIEEE(entries))
	le.PutUint32(b[16:], crc32.ChecksumIEEE(b[:headerSize]))
	return b
}

// protectiveMBR returns the sector that tells older tools that the disk is in
// use up to its last sector (UEFI specification 2.10, section 5.2.3).
func protectiveMBR(last uint64) []byte {
	b := make([]byte, sector)
	e := b[446:]
	copy(e[1:], []byte{0x00, 0x02, 0x00, 0xEE, 0xFF, 0xFF, 0xFF})
	binary.LittleEndian.PutUint32(e[8:], 1)
	binary.LittleEndian.PutUint32(e[12:], uint32(min(last, 0xFFFFFFFF)))
	b[510], b[511] = 0x55, 0xAA
	return b
}

func utf16Label(s string) []uint16 { return utf16.Encode([]rune(s)) }
