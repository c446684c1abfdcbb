package imagefile

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
)

// zeroes is how many zero bytes are hashed or written at a time.
const zeroes = 1 << 20

// sink writes a file in order, hashes it, and leaves holes where it can.
type sink struct {
	w    io.Writer
	file *os.File // set where holes are possible
	base int64    // position in file at which the output starts
	size int64    // bytes so far
	sum  hash.Hash
	zero []byte
}

func newSink(w io.Writer) (*sink, error) {
	s := &sink{w: w, sum: sha256.New(), zero: make([]byte, zeroes)}
	f, ok := w.(*os.File)
	if !ok {
		return s, nil
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return s, fault.As(fault.Internal, err)
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, fault.As(fault.Internal, fmt.Errorf("finding position: %w", err))
	}
	if err := f.Truncate(at); err != nil {
		return nil, fault.As(fault.Internal, fmt.Errorf("emptying file: %w", err))
	}
	s.file, s.base = f, at
	return s, nil
}

func (s *sink) write(p []byte) error {
	s.sum.Write(p)
	if err := s.put(p); err != nil {
		return fault.As(fault.Internal, err)
	}
	s.size += int64(len(p))
	return nil
}

func (s *sink) put(p []byte) (err error) {
	if s.file != nil {
		_, err = s.file.WriteAt(p, s.base+s.size)
		return err
	}
	_, err = s.w.Write(p)
	return err
}

// skip writes zeroes up to position to.
func (s *sink) skip(ctx context.Context, to int64) error {
	for s.size < to {
		if err := ctx.Err(); err != nil {
			return fault.As(fault.Cancelled, err)
		}
		p := s.zero[:min(to-s.size, zeroes)]
		if s.file == nil {
			if err := s.write(p); err != nil {
				return err
			}
			continue
		}
		s.sum.Write(p)
		s.size += int64(len(p))
	}
	return nil
}

// align writes zeroes up to a multiple of unit.
func (s *sink) align(ctx context.Context, unit int64) error {
	return s.skip(ctx, (s.size+unit-1)/unit*unit)
}

// close gives a file that ends in a hole its size.
func (s *sink) close() error {
	if s.file == nil {
		return nil
	}
	return fault.As(fault.Internal, s.file.Truncate(s.base+s.size))
}

func (s *sink) digest() string { return digests.Sum(s.sum) }
