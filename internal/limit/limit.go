// Package limit bounds what is read from outside. It refuses silence: going
// past a limit is an error, never a short read.
package limit

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
)

// Error says that what was read from outside is larger than its limit.
type Error struct {
	What  string
	Bytes int64
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s is larger than the limit of %d bytes", e.What, e.Bytes)
}

// Reader returns a reader that passes at most max bytes of r on and fails
// with an *Error on the first byte after that; what names r in the error.
func Reader(r io.Reader, max int64, what string) io.Reader {
	return &reader{r: r, left: max, err: &Error{What: what, Bytes: max}}
}

// room bounds what is made ready for a file of the size that it says it has, in
// bytes.
const room = 1 << 20

// ReadAll reads r to its end, or fails with an *Error where it holds more
// than max bytes.
func ReadAll(r io.Reader, max int64, what string) ([]byte, error) {
	var all bytes.Buffer
	if f, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := f.Stat(); err == nil {
			all.Grow(int(min(info.Size(), max, room)) + bytes.MinRead)
		}
	}
	_, err := all.ReadFrom(Reader(r, max, what))
	return all.Bytes(), err
}

type reader struct {
	r    io.Reader
	left int64
	err  *Error
}

func (l *reader) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if int64(n) > l.left {
		n = int(l.left)
		l.left = 0
		return n, l.err
	}
	l.left -= int64(n)
	return n, err
}
