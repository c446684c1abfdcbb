package disk

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"github.com/bakelite/bakelite/internal/fault"
)

// Block is a part of an image that holds at least one byte that is not zero.
type Block struct {
	Offset int64  // bytes, a multiple of the block size
	Data   []byte // valid until the next block; shorter only at the image's end
}

// Blocks yields the blocks of size bytes that are not all zero, in order, and
// stops at the first error; what no extent touches is never read.
func (m Image) Blocks(ctx context.Context, size int) iter.Seq2[Block, error] {
	return func(yield func(Block, error) bool) {
		buf, zero := make([]byte, size), make([]byte, size)
		for off := m.next(0, int64(size)); off < m.size; off = m.next(off+int64(size), int64(size)) {
			data := buf[:min(int64(size), m.size-off)]
			if err := m.load(ctx, data, off); err != nil {
				yield(Block{}, err)
				return
			}
			if !bytes.Equal(data, zero[:len(data)]) && !yield(Block{Offset: off, Data: data}, nil) {
				return
			}
		}
	}
}

// next returns the offset of the first block at or after off that an extent
// touches, or the image's size.
func (m Image) next(off, block int64) int64 {
	i := m.firstAfter(off)
	if i == len(m.extents) {
		return m.size
	}
	return max(off, m.extents[i].Offset/block*block)
}

func (m Image) load(ctx context.Context, p []byte, off int64) error {
	if err := ctx.Err(); err != nil {
		return fault.As(fault.Cancelled, fmt.Errorf("reading image: %w", err))
	}
	n, err := m.ReadAt(p, off)
	if n < len(p) {
		return fmt.Errorf("reading image: %w", err)
	}
	return nil
}
