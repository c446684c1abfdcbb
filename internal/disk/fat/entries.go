package fat

import (
	"encoding/binary"
	"time"
	"unicode/utf16"
)

const (
	entrySize   = 32
	longUnits   = 13 // UTF-16 units in one entry of a long name
	attrDir     = 0x10
	attrArchive = 0x20
	attrLong    = 0x0F
	lastLong    = 0x40
)

// stamp is a time as FAT stores it.
type stamp struct{ date, time uint16 }

// dosTime clamps to the years that FAT knows; seconds are even.
func dosTime(t time.Time) stamp {
	t = t.UTC()
	switch {
	case t.Year() < 1980:
		t = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > 2107:
		t = time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC)
	}
	return stamp{
		date: uint16((t.Year()-1980)<<9 | int(t.Month())<<5 | t.Day()),
		time: uint16(t.Hour()<<11 | t.Minute()<<5 | t.Second()/2),
	}
}

// longCount returns how many entries a node's long name takes.
func (n *node) longCount() int {
	if isShort(n.name) {
		return 0
	}
	return (len(n.name) + longUnits - 1) / longUnits
}

// entryCount returns how many entries a folder holds.
func (n *node) entryCount() int {
	count := 0
	if n.parent != nil {
		count = 2
	}
	for _, c := range n.children {
		count += c.longCount() + 1
	}
	return count
}

// entries returns the content of a folder.
func (n *node) entries(t stamp) []byte {
	b := make([]byte, 0, n.entryCount()*entrySize)
	if n.parent != nil {
		up := n.parent.first
		if n.parent.parent == nil {
			up = 0 // the root goes by 0 here
		}
		b = append(b, entry(pad(".", ""), attrDir, n.first, 0, t)...)
		b = append(b, entry(pad("..", ""), attrDir, up, 0, t)...)
	}
	for _, c := range n.children {
		b = append(b, c.longEntries()...)
		if c.dir {
			b = append(b, entry(c.short, attrDir, c.first, 0, t)...)
			continue
		}
		b = append(b, entry(c.short, attrArchive, c.first, c.content.Size(), t)...)
	}
	return b
}

func entry(name shortName, attr byte, first, size int64, t stamp) []byte {
	b, le := make([]byte, entrySize), binary.LittleEndian
	copy(b, name[:])
	b[11] = attr
	le.PutUint16(b[14:], t.time) // made
	le.PutUint16(b[16:], t.date)
	le.PutUint16(b[18:], t.date) // read
	le.PutUint16(b[20:], uint16(first>>16))
	le.PutUint16(b[22:], t.time) // written
	le.PutUint16(b[24:], t.date)
	le.PutUint16(b[26:], uint16(first))
	le.PutUint32(b[28:], uint32(size))
	return b
}

// longEntries returns the entries of a node's long name, the last part first.
func (n *node) longEntries() []byte {
	count := n.longCount()
	units := append(utf16.Encode([]rune(n.name)), 0)
	for len(units) < count*longUnits {
		units = append(units, 0xFFFF)
	}
	var b []byte
	for i := count; i > 0; i-- {
		e := longEntry(units[(i-1)*longUnits:i*longUnits], n.short)
		e[0] = byte(i)
		if i == count {
			e[0] |= lastLong
		}
		b = append(b, e...)
	}
	return b
}

func longEntry(units []uint16, short shortName) []byte {
	b := make([]byte, entrySize)
	b[11], b[13] = attrLong, checksum(short)
	for i, u := range units {
		at := 1 + 2*i
		if i >= 5 {
			at = 14 + 2*(i-5)
		}
		if i >= 11 {
			at = 28 + 2*(i-11)
		}
		binary.LittleEndian.PutUint16(b[at:], u)
	}
	return b
}

// checksum ties a long name to its short one.
func checksum(s shortName) byte {
	var sum byte
	for _, c := range s {
		sum = sum>>1 | sum<<7
		sum += c
	}
	return sum
}
