package imagefile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/klauspost/compress/zlib"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

// The layout of VMware's Virtual Disk Format 5.0, "Stream-Optimized Compressed
// Sparse Extents": the form in which an OVF carries a disk.
const (
	vmdkSector = 512
	grain      = 64 << 10
	perGrains  = 512 // grains that one table speaks of
	overhead   = 128 // sectors before the first grain
	descriptor = 20  // sectors of text
	gdAtEnd    = math.MaxUint64
	maxVMDK    = 62 << 40 // bytes; vSphere's limit for a disk

	markEnd    = 0
	markTable  = 1
	markDir    = 2
	markFooter = 3
)

// vmdk writes one disk; it holds what the tables at the end need.
type vmdk struct {
	sink   *sink
	size   int64
	table  []byte // of the grains since the last table
	first  int64  // the grain that the table begins with
	dir    []byte // where the tables are, in sectors
	packed bytes.Buffer
	zip    *zlib.Writer
}

func writeVMDK(ctx context.Context, s *sink, m disk.Image, meta Meta) error {
	if m.Size() > maxVMDK {
		return fault.New(fault.Invalid, "a disk of %d bytes is larger than the format's %d", m.Size(), int64(maxVMDK))
	}
	v := &vmdk{sink: s, size: m.Size(), dir: make([]byte, 4*ceil(m.Size(), grain*perGrains))}
	if err := v.start(ctx, meta); err != nil {
		return err
	}
	for b, err := range m.Blocks(ctx, grain) {
		if err != nil {
			return err
		}
		if err := v.grain(ctx, b); err != nil {
			return err
		}
	}
	return v.finish(ctx)
}

func (v *vmdk) start(ctx context.Context, meta Meta) error {
	zip, err := zlib.NewWriterLevel(&v.packed, zlib.BestSpeed)
	if err != nil {
		return fault.As(fault.Internal, fmt.Errorf("starting compression: %w", err))
	}
	v.zip = zip
	if err := v.sink.write(v.header(gdAtEnd)); err != nil {
		return err
	}
	if err := v.sink.write([]byte(v.descriptor(meta))); err != nil {
		return err
	}
	return v.sink.skip(ctx, overhead*vmdkSector)
}

func (v *vmdk) grain(ctx context.Context, b disk.Block) error {
	index := b.Offset / grain
	if v.table != nil && index >= v.first+perGrains {
		if err := v.endTable(ctx); err != nil {
			return err
		}
	}
	if v.table == nil {
		v.table, v.first = make([]byte, 4*perGrains), index/perGrains*perGrains
	}
	binary.LittleEndian.PutUint32(v.table[4*(index-v.first):], uint32(v.sink.size/vmdkSector))
	if err := v.pack(b); err != nil {
		return err
	}
	return v.sink.align(ctx, vmdkSector)
}

// pack writes a grain's marker and its compressed data.
func (v *vmdk) pack(b disk.Block) error {
	v.packed.Reset()
	v.packed.Write(make([]byte, 12))
	v.zip.Reset(&v.packed)
	if _, err := v.zip.Write(b.Data); err != nil {
		return fault.As(fault.Internal, fmt.Errorf("compressing: %w", err))
	}
	if err := v.zip.Close(); err != nil {
		return fault.As(fault.Internal, fmt.Errorf("compressing: %w", err))
	}
	p := v.packed.Bytes()
	binary.LittleEndian.PutUint64(p, uint64(b.Offset/vmdkSector))
	binary.LittleEndian.PutUint32(p[8:], uint32(len(p)-12))
	return v.sink.write(p)
}

// endTable writes the table of the grains so far.
func (v *vmdk) endTable(ctx context.Context) error {
	if err := v.marker(markTable, len(v.table)/vmdkSector); err != nil {
		return err
	}
	binary.LittleEndian.PutUint32(v.dir[4*(v.first/perGrains):], uint32(v.sink.size/vmdkSector))
	table := v.table
	v.table = nil
	if err := v.sink.write(table); err != nil {
		return err
	}
	return v.sink.align(ctx, vmdkSector)
}

// finish writes the last table, the directory, the footer and the end.
func (v *vmdk) finish(ctx context.Context) error {
	if v.table != nil {
		if err := v.endTable(ctx); err != nil {
			return err
		}
	}
	if err := v.marker(markDir, int(ceil(int64(len(v.dir)), vmdkSector))); err != nil {
		return err
	}
	at := v.sink.size / vmdkSector
	if at > math.MaxUint32 {
		return fault.New(fault.Invalid, "the file would be larger than 2 TiB, which its tables cannot address")
	}
	if err := v.sink.write(v.dir); err != nil {
		return err
	}
	if err := v.sink.align(ctx, vmdkSector); err != nil {
		return err
	}
	if err := v.marker(markFooter, 1); err != nil {
		return err
	}
	if err := v.sink.write(v.header(uint64(at))); err != nil {
		return err
	}
	return v.marker(markEnd, 0)
}

func (v *vmdk) marker(kind uint32, sectors int) error {
	b := make([]byte, vmdkSector)
	binary.LittleEndian.PutUint64(b, uint64(sectors))
	binary.LittleEndian.PutUint32(b[12:], kind)
	return v.sink.write(b)
}

// header returns the sector that begins the file and, with the directory's
// place in sectors, almost ends it.
func (v *vmdk) header(dir uint64) []byte {
	b, le := make([]byte, vmdkSector), binary.LittleEndian
	copy(b, "KDMV")
	le.PutUint32(b[4:], 3)
	le.PutUint32(b[8:], 1|1<<16|1<<17) // newlines below, compressed, markers
	le.PutUint64(b[12:], uint64(v.size/vmdkSector))
	le.PutUint64(b[20:], grain/vmdkSector)
	le.PutUint64(b[28:], 1)
	le.PutUint64(b[36:], descriptor)
	le.PutUint32(b[44:], perGrains)
	le.PutUint64(b[56:], dir)
	le.PutUint64(b[64:], overhead)
	copy(b[73:], "\n \r\n") // shows a transfer that changed line ends
	le.PutUint16(b[77:], 1) // deflate
	return b
}

func (v *vmdk) descriptor(meta Meta) string {
	sectors := v.size / vmdkSector
	text := fmt.Sprintf(`# Disk DescriptorFile
version=1
CID=%08x
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RDONLY %d SPARSE "disk.vmdk"

# The Disk Data Base
#DDB

ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "%d"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.virtualHWVersion = "10"
`, contentID(meta.ID), sectors, min(sectors/(255*63), 65535))
	return text
}

// contentID changes with the disk's identifier; two values have a meaning of
// their own in the format: no parent, and never written.
func contentID(id disk.GUID) uint32 {
	sum := sha256.Sum256(append([]byte("vmdk"), id[:]...))
	return min(max(binary.BigEndian.Uint32(sum[:]), 1), math.MaxUint32-2)
}
