// Package disk holds what the makers and writers of a VM disk share: Content,
// bytes that can be read anywhere; Image, a sparse disk put together from
// Content without a copy; and GUID. It refuses extents that overlap or leave
// the image. It knows no clock and no randomness, opens no file, and is
// imported by its own subfolders and by whatever makes or writes a disk.
package disk

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/bakelite/bakelite/internal/fault"
)

// Content is bytes of a known size in bytes that can be read anywhere and
// more than once; *bytes.Reader, *strings.Reader, *io.SectionReader and Image
// are Content.
type Content interface {
	io.ReaderAt
	Size() int64
}

// Extent places Content at an offset in bytes.
type Extent struct {
	Offset  int64
	Content Content
}

func (e Extent) end() int64 { return e.Offset + e.Content.Size() }

// Image is a run of bytes that is zero wherever no extent lies; the zero value
// is empty.
type Image struct {
	size    int64
	extents []Extent // sorted, none empty, none an Image
}

// NewImage returns an image of size bytes; extents may come in any order, and
// those that overlap or end after size are an error of kind Internal.
func NewImage(size int64, extents ...Extent) (Image, error) {
	if size < 0 {
		return Image{}, fault.New(fault.Internal, "image of %d bytes", size)
	}
	flat := flatten(extents)
	var last int64
	for _, e := range flat {
		// The second half stands for end() > size without overflow.
		if e.Offset < last || e.Content.Size() > size-e.Offset {
			return Image{}, fault.New(fault.Internal, "extent of %d bytes at %d does not fit between %d and %d", e.Content.Size(), e.Offset, last, size)
		}
		last = e.end()
	}
	return Image{size: size, extents: flat}, nil
}

// flatten resolves images inside images, so that their holes stay holes.
func flatten(extents []Extent) []Extent {
	flat := make([]Extent, 0, len(extents))
	for _, e := range extents {
		inner, nested := e.Content.(Image)
		if !nested {
			flat = append(flat, e)
			continue
		}
		for _, i := range inner.extents {
			flat = append(flat, Extent{Offset: e.Offset + i.Offset, Content: i.Content})
		}
	}
	flat = slices.DeleteFunc(flat, func(e Extent) bool { return e.Content.Size() == 0 })
	sort.SliceStable(flat, func(i, j int) bool { return flat[i].Offset < flat[j].Offset })
	return flat
}

// Size returns the size in bytes.
func (m Image) Size() int64 { return m.size }

// ReadAt implements io.ReaderAt; Content that is shorter than its Size is an
// error of kind Integrity.
func (m Image) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fault.New(fault.Internal, "reading image at %d", off)
	}
	if off >= m.size {
		return 0, io.EOF
	}
	var end error
	if int64(len(p)) > m.size-off {
		p, end = p[:m.size-off], io.EOF
	}
	clear(p)
	for _, e := range m.extents[m.firstAfter(off):] {
		if e.Offset >= off+int64(len(p)) {
			break
		}
		from, to := max(off, e.Offset), min(off+int64(len(p)), e.end())
		if err := readFull(e.Content, p[from-off:to-off], from-e.Offset); err != nil {
			return 0, err
		}
	}
	return len(p), end
}

// firstAfter returns the index of the first extent that ends after off.
func (m Image) firstAfter(off int64) int {
	return sort.Search(len(m.extents), func(i int) bool { return m.extents[i].end() > off })
}

func readFull(c Content, p []byte, off int64) error {
	n, err := c.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil, errors.Is(err, io.EOF):
		return fault.New(fault.Integrity, "reading content at %d: it ends %d bytes early", off, len(p)-n)
	}
	return fault.As(fault.Internal, fmt.Errorf("reading content at %d: %w", off, err))
}
