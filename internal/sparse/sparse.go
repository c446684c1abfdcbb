// Package sparse reads and writes files with holes, such as raw disks, without
// reading or writing the zeros in them.
package sparse

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Extent returns where the next data at or after a position begins and ends
// (lseek(2)). Both are size where none follows; on a filesystem that knows no
// holes all is data.
func Extent(f *os.File, at, size int64) (start, end int64, err error) {
	start, err = unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO):
		return size, size, nil
	case errors.Is(err, unix.EINVAL):
		return at, size, nil
	case err != nil:
		return 0, 0, fmt.Errorf("looking for data: %w", err)
	}
	end, err = unix.Seek(int(f.Fd()), start, unix.SEEK_HOLE)
	if err != nil {
		return 0, 0, fmt.Errorf("looking for holes: %w", err)
	}
	return min(start, size), min(end, size), nil
}

// block is the unit, in bytes, in which Copy looks for zeros.
const block = 64 << 10

// Copy fills an empty file from r, leaves holes where whole blocks are zero
// and returns the file's size in bytes.
func Copy(f *os.File, r io.Reader) (size int64, err error) {
	buffer := make([]byte, block)
	for err == nil {
		n := 0
		for n < len(buffer) && err == nil { // io.ReadFull would hide the reader's own ErrUnexpectedEOF
			var got int
			got, err = r.Read(buffer[n:])
			n += got
		}
		if !zeros(buffer[:n]) {
			if _, err := f.WriteAt(buffer[:n], size); err != nil {
				return size, err
			}
		}
		size += int64(n)
	}
	if !errors.Is(err, io.EOF) {
		return size, err
	}
	return size, f.Truncate(size)
}

// zeros says whether a buffer is all zeros.
func zeros(p []byte) bool {
	for len(p) >= 8 {
		if p[0]|p[1]|p[2]|p[3]|p[4]|p[5]|p[6]|p[7] != 0 {
			return false
		}
		p = p[8:]
	}
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}
