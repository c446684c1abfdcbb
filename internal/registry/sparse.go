package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// chunk is how much of a disk is read at a time, in bytes.
const chunk = 1 << 20

// sparse reads a file and gives zeros for its holes without reading them.
type sparse struct {
	*os.File
	ctx          context.Context //nolint:containedctx // a reader has no other way to hear of its end
	at, size     int64
	data         int64 // where data begins that ends at hole
	hole         int64
	seeksNothing bool // the filesystem knows no holes
}

func openSparse(ctx context.Context, path string) (*sparse, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, missingFile(fmt.Errorf("opening disk: %w", err))
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("opening disk: %w", err)
	}
	return &sparse{File: f, ctx: ctx, size: info.Size()}, nil
}

func (s *sparse) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	if s.at >= s.size {
		return 0, io.EOF
	}
	if err := s.look(); err != nil {
		return 0, err
	}
	if s.at < s.data { // in a hole
		n := min(int64(len(p)), s.data-s.at)
		clear(p[:n])
		s.at += n
		return int(n), nil
	}
	n, err := s.ReadAt(p[:min(int64(len(p)), s.hole-s.at)], s.at)
	s.at += int64(n)
	if n > 0 || err == nil {
		return n, nil
	}
	return 0, io.ErrUnexpectedEOF // it became shorter
}

// look finds the next data and the hole that ends it (lseek(2)).
func (s *sparse) look() error {
	if s.at < s.hole {
		return nil
	}
	if s.seeksNothing {
		s.data, s.hole = s.at, s.size
		return nil
	}
	data, err := unix.Seek(int(s.Fd()), s.at, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) { // nothing but a hole
		s.data, s.hole = s.size, s.size
		return nil
	}
	if errors.Is(err, unix.EINVAL) {
		s.seeksNothing = true
		return s.look()
	}
	if err != nil {
		return fmt.Errorf("looking for data: %w", err)
	}
	hole, err := unix.Seek(int(s.Fd()), data, unix.SEEK_HOLE)
	if err != nil {
		return fmt.Errorf("looking for holes: %w", err)
	}
	s.data, s.hole = data, min(hole, s.size)
	return nil
}

// WriteTo is hidden: os.File's would copy around Read.
func (s *sparse) WriteTo(w io.Writer) (int64, error) {
	return io.CopyBuffer(w, struct{ io.Reader }{s}, make([]byte, chunk))
}
