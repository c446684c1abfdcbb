package disk

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
)

// randomImage returns an image of size bytes and its plain bytes; about half
// of the image is covered and some of the content is zero.
func randomImage(t *testing.T, r *rand.Rand, size int) (Image, []byte) {
	t.Helper()
	plain, extents := make([]byte, size), []Extent(nil)
	for at := r.IntN(size/4 + 1); at < size; {
		data := make([]byte, min(1+r.IntN(size/4), size-at))
		if r.IntN(4) > 0 {
			for i := range data {
				data[i] = byte(r.Uint32())
			}
		}
		copy(plain[at:], data)
		extents = append(extents, Extent{Offset: int64(at), Content: bytes.NewReader(data)})
		at += len(data) + r.IntN(size/4)*r.IntN(2)
	}
	r.Shuffle(len(extents), func(i, j int) { extents[i], extents[j] = extents[j], extents[i] })
	m, err := NewImage(int64(size), extents...)
	if err != nil {
		t.Fatal(err)
	}
	return m, plain
}

func TestImageReadsAsItsBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		size := 5 + r.IntN(5000)
		m, plain := randomImage(t, r, size)
		all, err := io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
		if err != nil || !bytes.Equal(all, plain) {
			t.Fatalf("whole image of %d bytes differs: %v", size, err)
		}
		off := r.IntN(size)
		part := bytes.Repeat([]byte{0xAA}, r.IntN(size))
		n, err := m.ReadAt(part, int64(off))
		want := min(len(part), size-off)
		if n != want || !bytes.Equal(part[:n], plain[off:off+n]) || (n < len(part)) != (err == io.EOF) {
			t.Fatalf("ReadAt(%d bytes, %d) of %d = %d, %v", len(part), off, size, n, err)
		}
	}
}

func TestBlocksAreThoseWithData(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		inner, plain := randomImage(t, r, 5+r.IntN(5000))
		shift := r.IntN(3000)
		m, err := NewImage(inner.Size()+int64(shift)+700, Extent{Offset: int64(shift), Content: inner})
		if err != nil {
			t.Fatal(err)
		}
		plain = append(append(make([]byte, shift), plain...), make([]byte, 700)...)
		got, last := make([]byte, len(plain)), int64(-1)
		for b, err := range m.Blocks(context.Background(), 64) {
			if err != nil {
				t.Fatal(err)
			}
			if b.Offset <= last || b.Offset%64 != 0 || len(bytes.Trim(b.Data, "\x00")) == 0 {
				t.Fatalf("block at %d after %d is misplaced or all zero", b.Offset, last)
			}
			last = b.Offset
			copy(got[b.Offset:], b.Data)
		}
		if !bytes.Equal(got, plain) {
			t.Fatal("the blocks leave data out")
		}
	}
}

// unread is content that must not be looked at.
type unread struct {
	t    *testing.T
	size int64
}

func (u unread) Size() int64 { return u.size }
func (u unread) ReadAt([]byte, int64) (int, error) {
	u.t.Error("content was read")
	return 0, io.EOF
}

func TestHolesInNestedImagesStayHoles(t *testing.T) {
	inner, err := NewImage(1<<40, Extent{Offset: 1 << 39, Content: bytes.NewReader([]byte{1})})
	if err != nil {
		t.Fatal(err)
	}
	outer, err := NewImage(1<<41, Extent{Offset: 1 << 40, Content: inner})
	if err != nil {
		t.Fatal(err)
	}
	var offsets []int64
	for b, err := range outer.Blocks(context.Background(), 1<<16) {
		if err != nil {
			t.Fatal(err)
		}
		offsets = append(offsets, b.Offset)
	}
	if len(offsets) != 1 || offsets[0] != 1<<40+1<<39 {
		t.Fatalf("blocks at %v", offsets)
	}
}

func TestNewImageRefuses(t *testing.T) {
	abc := bytes.NewReader([]byte("abc"))
	for name, extents := range map[string][]Extent{
		"overlap":        {{0, abc}, {2, abc}},
		"same place":     {{4, abc}, {4, abc}},
		"before start":   {{-1, abc}},
		"after end":      {{8, abc}},
		"overflow":       {{1, unread{t, 1<<63 - 1}}},
		"offset too big": {{1<<63 - 1, abc}},
	} {
		if _, err := NewImage(10, extents...); fault.KindOf(err) != fault.Internal || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewImage(10, Extent{7, abc}, Extent{0, abc}, Extent{3, bytes.NewReader(nil)}); err != nil {
		t.Error(err)
	}
}

// short claims to be larger than it is.
type short struct{ *bytes.Reader }

func (short) Size() int64 { return 100 }

func TestShortContentIsAnError(t *testing.T) {
	m, err := NewImage(200, Extent{10, short{bytes.NewReader(make([]byte, 50))}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.ReadAt(make([]byte, 200), 0); fault.KindOf(err) != fault.Integrity {
		t.Errorf("got %v", err)
	}
	for _, err := range m.Blocks(context.Background(), 64) {
		if fault.KindOf(err) != fault.Integrity {
			t.Errorf("got %v", err)
		}
	}
}

func TestBlocksStopWhenCancelled(t *testing.T) {
	m, _ := randomImage(t, rand.New(rand.NewPCG(5, 6)), 4096)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, err := range m.Blocks(ctx, 64) {
		if fault.KindOf(err) != fault.Cancelled {
			t.Errorf("got %v", err)
		}
	}
}
