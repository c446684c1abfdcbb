package sparse

import (
	"context"
	"io"
	"os"

	"github.com/bakelite/bakelite/internal/regular"
)

// chunk is how much of a file is read at a time, in bytes.
const chunk = 1 << 20

// Reader reads a file from its beginning and gives zeros for its holes
// without reading them.
type Reader struct {
	ctx        context.Context //nolint:containedctx // a reader has no other way to hear of its end
	file       *os.File
	at, size   int64
	data, hole int64 // where data begins that ends at hole
}

// Open returns a reader of a file, which fails once the context has ended.
func Open(ctx context.Context, path string) (*Reader, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Reader{ctx: ctx, file: f, size: info.Size()}, nil
}

// Size is the file's size when it was opened, in bytes, its holes included.
func (r *Reader) Size() int64 { return r.size }

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

// Read fails with io.ErrUnexpectedEOF where the file became shorter.
func (r *Reader) Read(p []byte) (n int, err error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if r.at >= r.size {
		return 0, io.EOF
	}
	if r.at >= r.hole {
		if r.data, r.hole, err = Extent(r.file, r.at, r.size); err != nil {
			return 0, err
		}
	}
	if r.at < r.data { // in a hole
		n := min(int64(len(p)), r.data-r.at)
		clear(p[:n])
		r.at += n
		return int(n), nil
	}
	n, err = r.file.ReadAt(p[:min(int64(len(p)), r.hole-r.at)], r.at)
	r.at += int64(n)
	if n > 0 || err == nil {
		return n, nil
	}
	return 0, io.ErrUnexpectedEOF
}

// WriteTo copies with a large buffer.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	return io.CopyBuffer(w, struct{ io.Reader }{r}, make([]byte, chunk))
}
