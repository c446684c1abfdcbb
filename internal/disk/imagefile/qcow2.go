package imagefile

import (
	"context"
	"encoding/binary"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

// The layout of QEMU's docs/interop/qcow2.txt, version 3, with the default
// clusters of 64 KiB and reference counts of 16 bits.
const (
	clusterBits = 16
	cluster     = 1 << clusterBits
	perTable    = cluster / 8 // entries in an L2 or reference count table
	perBlock    = cluster / 2 // counts in a reference count block
	copied      = 1 << 63     // set in an entry whose cluster has one reference
	headerV3    = 104         // bytes
)

// qcow2 says in which cluster of the file each part begins: the header, the
// reference counts, L1, the L2 tables, then the data, with no gap.
type qcow2 struct {
	size   int64   // bytes of the disk
	used   []int64 // the disk's clusters that have data
	l2     []int64 // the indexes in L1 that have a table
	refs   int64   // clusters of the reference count table
	blocks int64   // reference count blocks
	l1     int64   // clusters of L1
}

// writeQCOW2 reads the image twice: the tables come before the data and say
// which clusters are there.
func writeQCOW2(ctx context.Context, s *sink, m disk.Image, _ Meta) error {
	used, err := usedClusters(ctx, m)
	if err != nil {
		return err
	}
	q := planQCOW2(m.Size(), used)
	for _, part := range []func() []byte{q.header, q.refTable, q.refBlocks, q.l1Table, q.l2Tables} {
		if err := s.write(part()); err != nil {
			return err
		}
	}
	if err := q.writeData(ctx, s, m); err != nil {
		return err
	}
	return s.align(ctx, cluster)
}

func (q qcow2) writeData(ctx context.Context, s *sink, m disk.Image) error {
	rest := q.used
	for b, err := range m.Blocks(ctx, cluster) {
		if err != nil {
			return err
		}
		if len(rest) == 0 || rest[0] != b.Offset/cluster {
			return errChanged()
		}
		rest = rest[1:]
		if err := s.write(b.Data); err != nil {
			return err
		}
	}
	if len(rest) > 0 {
		return errChanged()
	}
	return nil
}

func errChanged() error {
	return fault.New(fault.Integrity, "the disk's content changed while it was written")
}

// usedClusters returns the indexes of the clusters that are not all zero.
func usedClusters(ctx context.Context, m disk.Image) ([]int64, error) {
	var used []int64
	for b, err := range m.Blocks(ctx, cluster) {
		if err != nil {
			return nil, err
		}
		used = append(used, b.Offset/cluster)
	}
	return used, nil
}

func planQCOW2(size int64, used []int64) qcow2 {
	q := qcow2{size: size, used: used}
	for _, index := range used {
		if n := len(q.l2); n == 0 || q.l2[n-1] != index/perTable {
			q.l2 = append(q.l2, index/perTable)
		}
	}
	q.l1 = ceil(q.l1Entries(), perTable)
	// The reference counts count themselves too.
	for more := true; more; {
		blocks := ceil(q.clusters(), perBlock)
		refs := ceil(blocks, perTable)
		more = blocks != q.blocks || refs != q.refs
		q.blocks, q.refs = blocks, refs
	}
	return q
}

func ceil(a, b int64) int64 { return (a + b - 1) / b }

func (q qcow2) l1Entries() int64 { return ceil(ceil(q.size, cluster), perTable) }

func (q qcow2) l1At() int64   { return 1 + q.refs + q.blocks }
func (q qcow2) l2At() int64   { return q.l1At() + q.l1 }
func (q qcow2) dataAt() int64 { return q.l2At() + int64(len(q.l2)) }

// clusters returns how many clusters the file has.
func (q qcow2) clusters() int64 { return q.dataAt() + int64(len(q.used)) }

func (q qcow2) header() []byte {
	b, be := make([]byte, cluster), binary.BigEndian
	copy(b, "QFI\xfb")
	be.PutUint32(b[4:], 3)
	be.PutUint32(b[20:], clusterBits)
	be.PutUint64(b[24:], uint64(q.size))
	be.PutUint32(b[36:], uint32(q.l1Entries()))
	be.PutUint64(b[40:], uint64(q.l1At()*cluster))
	be.PutUint64(b[48:], cluster) // the reference count table
	be.PutUint32(b[56:], uint32(q.refs))
	be.PutUint32(b[96:], 4) // counts of 1<<4 bits
	be.PutUint32(b[100:], headerV3)
	return b
}

// refTable returns where the reference count blocks are.
func (q qcow2) refTable() []byte {
	b := make([]byte, q.refs*cluster)
	for i := range q.blocks {
		binary.BigEndian.PutUint64(b[8*i:], uint64((1+q.refs+i)*cluster))
	}
	return b
}

// refBlocks returns a count of one for every cluster of the file.
func (q qcow2) refBlocks() []byte {
	b := make([]byte, q.blocks*cluster)
	for i := range q.clusters() {
		b[2*i+1] = 1
	}
	return b
}

func (q qcow2) l1Table() []byte {
	b := make([]byte, q.l1*cluster)
	for i, index := range q.l2 {
		binary.BigEndian.PutUint64(b[8*index:], uint64((q.l2At()+int64(i))*cluster)|copied)
	}
	return b
}

func (q qcow2) l2Tables() []byte {
	b, table := make([]byte, len(q.l2)*cluster), 0
	for i, index := range q.used {
		for q.l2[table] != index/perTable {
			table++
		}
		at := int64(table)*cluster + index%perTable*8
		binary.BigEndian.PutUint64(b[at:], uint64((q.dataAt()+int64(i))*cluster)|copied)
	}
	return b
}
