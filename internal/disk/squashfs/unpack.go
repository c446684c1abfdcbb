package squashfs

import (
	"bytes"
	"compress/zlib"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/xi2/xz"

	"github.com/bakelite/bakelite/internal/fault"
)

// Compressions, by their numbers in the superblock.
const (
	gzipBlocks = 1
	xzBlocks   = 4
	zstdBlocks = 6
)

// maxDictionary bounds the memory of one xz block, in bytes: no block is
// larger than maxBlock, but mksquashfs takes dictionaries of up to eight.
const maxDictionary = 8 * maxBlock

// unpacker returns what unpacks one block to at most max bytes.
func unpacker(compression uint16) (func(packed []byte, max int) ([]byte, error), error) {
	switch compression {
	case gzipBlocks:
		return func(packed []byte, max int) ([]byte, error) {
			r, err := zlib.NewReader(bytes.NewReader(packed))
			if err != nil {
				return nil, broken("unpacking: %w", err)
			}
			return drain(r, max)
		}, nil
	case xzBlocks:
		return func(packed []byte, max int) ([]byte, error) {
			r, err := xz.NewReader(bytes.NewReader(packed), maxDictionary)
			if err != nil {
				return nil, broken("unpacking: %w", err)
			}
			return drain(r, max)
		}, nil
	case zstdBlocks:
		return zstdUnpacker()
	}
	err := fault.New(fault.Invalid, "squashfs with the compression %d", compression)
	return nil, fault.Hint(err, "pack it anew with: mksquashfs FOLDER FILE -comp zstd")
}

func zstdUnpacker() (func(packed []byte, max int) ([]byte, error), error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fault.As(fault.Internal, err)
	}
	return func(packed []byte, max int) ([]byte, error) {
		plain, err := d.DecodeAll(packed, make([]byte, 0, max))
		if err != nil || len(plain) > max {
			return nil, broken("unpacking %d bytes to more than %d: %w", len(packed), max, err)
		}
		return plain, nil
	}, nil
}

func drain(r io.Reader, max int) ([]byte, error) {
	plain, err := io.ReadAll(io.LimitReader(r, int64(max)+1))
	if err != nil || len(plain) > max {
		return nil, broken("unpacking to %d bytes and more: %w", len(plain), err)
	}
	return plain, nil
}
