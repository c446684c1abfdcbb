package content

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/bakelite/bakelite/internal/disk/gpt"
	"github.com/bakelite/bakelite/internal/fault"
)

// The layout of QEMU's docs/interop/qcow2.txt as internal/disk/format writes
// it: version 3, clusters of 64 KiB, nothing compressed, no backing file.
const (
	qcow2Magic   = "QFI\xfb"
	clusterBits  = 16
	cluster      = 1 << clusterBits
	perTable     = cluster / 8
	offsetMask   = 0x00fffffffffffe00 // bits 9 to 55
	qcow2Header  = 104
	maxL1Entries = gpt.MaxSize / cluster / perTable
)

// qcow2 is the disk in a QCOW2 file.
type qcow2 struct {
	file io.ReaderAt
	size int64
	l1   []byte
	// last is the L2 table used last, and lastAt where it lies.
	last   []byte
	lastAt uint64
}

func openQCOW2(file io.ReaderAt) (*qcow2, error) {
	h := make([]byte, qcow2Header)
	if _, err := file.ReadAt(h, 0); err != nil {
		return nil, broken("reading header: %w", err)
	}
	be := binary.BigEndian
	if be.Uint32(h[4:]) != 3 || be.Uint32(h[20:]) != clusterBits {
		return nil, notOurs("version %d with clusters of 2^%d bytes", be.Uint32(h[4:]), be.Uint32(h[20:]))
	}
	backing, encrypted, incompatible := be.Uint64(h[8:]), be.Uint32(h[32:]), be.Uint64(h[72:])
	if backing != 0 || encrypted != 0 || incompatible != 0 || be.Uint32(h[60:]) != 0 {
		return nil, notOurs("a backing file, encryption, snapshots or unknown features")
	}
	q := &qcow2{file: file, size: int64(be.Uint64(h[24:]))}
	entries := int64(be.Uint32(h[36:]))
	if q.size <= 0 || q.size > gpt.MaxSize || entries > maxL1Entries || entries*perTable*cluster < q.size {
		return nil, broken("%d bytes in %d tables", q.size, entries)
	}
	q.l1 = make([]byte, 8*entries)
	if _, err := file.ReadAt(q.l1, int64(be.Uint64(h[40:])&offsetMask)); err != nil {
		return nil, broken("reading L1: %w", err)
	}
	return q, nil
}

func broken(format string, args ...any) error {
	return fault.New(fault.Integrity, "the QCOW2 file is broken: "+format, args...)
}

func notOurs(format string, args ...any) error {
	err := fault.New(fault.Invalid, "the QCOW2 file was not written by Bakelite: it has "+format, args...)
	return fault.Hint(err, "scan the disk that `bakelite build` wrote, or convert it with `qemu-img convert -O raw`")
}

// ReadAt is not safe for concurrent use.
func (q *qcow2) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= q.size {
		return 0, io.EOF
	}
	done := 0
	for done < len(p) && off < q.size {
		n := min(int64(len(p)-done), cluster-off%cluster, q.size-off)
		if err := q.piece(p[done:done+int(n)], off); err != nil {
			return done, err
		}
		done, off = done+int(n), off+n
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

// piece reads within one cluster.
func (q *qcow2) piece(p []byte, off int64) error {
	at, err := q.locate(uint64(off) / cluster)
	if err != nil {
		return err
	}
	if at == 0 {
		clear(p)
		return nil
	}
	if n, err := q.file.ReadAt(p, int64(at)+off%cluster); n < len(p) {
		return broken("reading cluster: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	return nil
}

// locate returns where in the file a cluster of the disk lies, or 0 where it
// is all zero.
func (q *qcow2) locate(index uint64) (uint64, error) {
	be := binary.BigEndian
	table := be.Uint64(q.l1[8*(index/perTable):]) & offsetMask
	if table == 0 {
		return 0, nil
	}
	if table != q.lastAt {
		b := make([]byte, cluster)
		if _, err := q.file.ReadAt(b, int64(table)); err != nil {
			return 0, broken("reading L2: %w", err)
		}
		q.last, q.lastAt = b, table
	}
	entry := be.Uint64(q.last[8*(index%perTable):])
	if entry&(1<<62|1) != 0 {
		return 0, fmt.Errorf("reading disk: %w", notOurs("compressed or zeroed clusters"))
	}
	return entry & offsetMask, nil
}
