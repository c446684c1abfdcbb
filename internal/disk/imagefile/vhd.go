package imagefile

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

// maxVHD is the largest disk in bytes, 2040 GiB (Microsoft's Virtual Hard Disk
// specification 1.0; Azure asks for fixed disks of whole MiB below 2 TiB).
const maxVHD = 2040 << 30

func writeVHD(ctx context.Context, s *sink, m disk.Image, meta Meta) error {
	if m.Size() > maxVHD {
		return fault.New(fault.Invalid, "a disk of %d bytes is larger than the format's %d", m.Size(), int64(maxVHD))
	}
	if err := writeRaw(ctx, s, m, meta); err != nil {
		return err
	}
	return s.write(vhdFooter(m.Size(), meta))
}

// vhdFooter returns the sector at the end of a fixed disk.
func vhdFooter(size int64, meta Meta) []byte {
	b, be := make([]byte, 512), binary.BigEndian
	id := disk.NameGUID(meta.ID, "vhd")
	copy(b, "conectix")
	be.PutUint32(b[8:], 2)           // a bit that is always set
	be.PutUint32(b[12:], 0x00010000) // version 1.0
	be.PutUint64(b[16:], ^uint64(0)) // fixed: no other header
	be.PutUint32(b[24:], vhdTime(meta.Epoch))
	copy(b[28:], "win ") // for other makers, QEMU trusts the geometry, not the size
	be.PutUint32(b[32:], 0x000A0000)
	copy(b[36:], "Wi2k")
	be.PutUint64(b[40:], uint64(size))
	be.PutUint64(b[48:], uint64(size))
	be.PutUint32(b[56:], vhdGeometry(size/512))
	be.PutUint32(b[60:], 2) // fixed
	copy(b[68:], id[:])
	be.PutUint32(b[64:], vhdChecksum(b))
	return b
}

// vhdTime returns seconds since the first of January 2000, zero before it.
func vhdTime(t time.Time) uint32 {
	const y2000 = 946684800
	return uint32(min(max(t.Unix()-y2000, 0), 1<<32-1))
}

func vhdChecksum(b []byte) uint32 {
	var sum uint32
	for _, c := range b {
		sum += uint32(c)
	}
	return ^sum
}

// vhdGeometry returns cylinders, heads and sectors per track packed in four
// bytes, by the algorithm in the specification's appendix.
func vhdGeometry(sectors int64) uint32 {
	sectors = min(sectors, 65535*16*255)
	var heads, track int64
	switch {
	case sectors >= 65535*16*63:
		heads, track = 16, 255
	default:
		track = 17
		heads = max((sectors/track+1023)/1024, 4)
		if sectors/track >= heads*1024 || heads > 16 {
			heads, track = 16, 31
		}
		if sectors/track >= heads*1024 {
			heads, track = 16, 63
		}
	}
	return uint32(sectors/track/heads)<<16 | uint32(heads)<<8 | uint32(track)
}
