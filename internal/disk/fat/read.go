package fat

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"strings"
	"unicode/utf16"

	"github.com/bakelite/bakelite/internal/fault"
)

// Limits on what is read, beside those of the file system itself.
const (
	maxFolder = 2 << 20 // bytes, as FAT allows a folder
	maxFile   = 1 << 30 // bytes
)

// OpenFile returns a file of a FAT32 file system of size bytes by its path, in
// which capitals do not count. A file that is missing is fs.ErrNotExist, a
// broken file system an error of kind Integrity, another FAT one of kind
// Invalid.
func OpenFile(r io.ReaderAt, size int64, path string) (*io.SectionReader, error) {
	v, err := openVolume(r, size)
	if err != nil {
		return nil, err
	}
	at := found{cluster: v.root, dir: true}
	for part := range strings.SplitSeq(path, "/") {
		if !at.dir {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		list, err := v.chain(at.cluster, maxFolder)
		if err != nil {
			return nil, err
		}
		if at, err = list.find(part); err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
	if at.dir {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("a folder")}
	}
	content, err := v.chain(at.cluster, int64(at.size))
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(content, 0, int64(at.size)), nil
}

func broken(format string, args ...any) error {
	return fault.New(fault.Integrity, "the FAT file system is broken: "+format, args...)
}

// readVolume is a file system that is read.
type readVolume struct {
	r        io.ReaderAt
	cluster  int64 // bytes
	clusters int64
	table    int64 // offset
	data     int64 // offset of cluster 2
	root     uint32
}

func openVolume(r io.ReaderAt, size int64) (*readVolume, error) {
	b := make([]byte, sector)
	if _, err := r.ReadAt(b, 0); err != nil {
		return nil, broken("reading the boot sector: %w", err)
	}
	le := binary.LittleEndian
	perSector, sectors := int64(le.Uint16(b[11:])), int64(le.Uint32(b[32:]))
	head, tables, length := int64(le.Uint16(b[14:])), int64(b[16]), int64(le.Uint32(b[36:]))
	if le.Uint16(b[510:]) != 0xAA55 || le.Uint16(b[22:]) != 0 || le.Uint16(b[19:]) != 0 {
		return nil, fault.New(fault.Invalid, "it is no FAT32 file system")
	}
	v := &readVolume{r: r, cluster: perSector * int64(b[13]), table: head * perSector, root: le.Uint32(b[44:])}
	v.data = (head + tables*length) * perSector
	switch {
	case perSector != 512 && perSector != 1024 && perSector != 2048 && perSector != 4096, b[13] == 0 || b[13]&(b[13]-1) != 0:
		return nil, broken("sectors of %d bytes in clusters of %d", perSector, b[13])
	case sectors*perSector > size || v.data >= sectors*perSector || tables == 0:
		return nil, broken("it is larger than its partition")
	}
	v.clusters = min((sectors*perSector-v.data)/v.cluster, length*perSector/4-rootCluster)
	return v, nil
}

// chained is the content of a chain of clusters.
type chained struct {
	volume *readVolume
	first  []uint32
}

// chain follows a chain for at most max bytes.
func (v *readVolume) chain(first uint32, max int64) (*chained, error) {
	c := &chained{volume: v}
	if max > maxFile {
		return nil, broken("a file of %d bytes", max)
	}
	piece, from := make([]byte, sector), int64(-1) // of the table
	for next := first; int64(len(c.first))*v.cluster < max; {
		if next < rootCluster || int64(next)-rootCluster >= v.clusters {
			break
		}
		c.first = append(c.first, next)
		at := 4 * int64(next)
		if from != at/sector {
			from = at / sector
			if _, err := v.r.ReadAt(piece, v.table+from*sector); err != nil {
				return nil, broken("reading the table: %w", err)
			}
		}
		next = binary.LittleEndian.Uint32(piece[at%sector:]) & endOfChain
	}
	return c, nil
}

// ReadAt reads what the chain has; past it is io.EOF.
func (c *chained) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		at := off + int64(done)
		i := at / c.volume.cluster
		if off < 0 || i >= int64(len(c.first)) {
			return done, io.EOF
		}
		within := at % c.volume.cluster
		n := min(int64(len(p)-done), c.volume.cluster-within)
		start := c.volume.data + (int64(c.first[i])-rootCluster)*c.volume.cluster + within
		if _, err := c.volume.r.ReadAt(p[done:done+int(n)], start); err != nil {
			return done, broken("reading a cluster: %w", err)
		}
		done += int(n)
	}
	return done, nil
}

// found is an entry of a folder.
type found struct {
	cluster uint32
	size    uint32
	dir     bool
}

// find looks a name up in a folder.
func (c *chained) find(name string) (found, error) {
	e := make([]byte, entrySize)
	long := ""
	for at := int64(0); ; at += entrySize {
		_, err := c.ReadAt(e, at)
		switch {
		case errors.Is(err, io.EOF) || err == nil && e[0] == 0:
			return found{}, fs.ErrNotExist
		case err != nil:
			return found{}, err
		case e[0] == 0xE5: // removed
			long = ""
		case e[11] == attrLong:
			if e[0]&lastLong != 0 {
				long = ""
			}
			long = longPart(e) + long
		case strings.EqualFold(name, strings.TrimRight(long, "\x00\uffff")) || strings.EqualFold(name, shortText(e)):
			le := binary.LittleEndian
			return found{
				cluster: uint32(le.Uint16(e[20:]))<<16 | uint32(le.Uint16(e[26:])), size: le.Uint32(e[28:]), dir: e[11]&attrDir != 0,
			}, nil
		default:
			long = ""
		}
	}
}

// longPart is what one entry has of a long name, its padding included.
func longPart(e []byte) string {
	var units []uint16
	for _, part := range [][]byte{e[1:11], e[14:26], e[28:32]} {
		for i := 0; i < len(part); i += 2 {
			units = append(units, binary.LittleEndian.Uint16(part[i:]))
		}
	}
	return string(utf16.Decode(units))
}

// shortText is a short name with its dot.
func shortText(e []byte) string {
	base, ext := strings.TrimRight(string(e[:8]), " "), strings.TrimRight(string(e[8:11]), " ")
	if ext == "" {
		return base
	}
	return base + "." + ext
}
