package sparse_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/bakelite/bakelite/internal/sparse"
)

// mixed is data between and around runs of zeros, and ends within a block.
func mixed() []byte {
	data := bytes.Repeat([]byte("data"), 40<<10)
	return bytes.Join([][]byte{data, make([]byte, 3<<20), data, make([]byte, 1<<20+5000)}, nil)
}

func create(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "disk"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestCopyLeavesHoles(t *testing.T) {
	f, want := create(t), mixed()
	size, err := sparse.Copy(f, bytes.NewReader(want))
	if err != nil || size != int64(len(want)) {
		t.Fatalf("got %d bytes and %v, want %d", size, err, len(want))
	}
	if got, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the copy differs (%v)", err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if used := info.Sys().(*syscall.Stat_t).Blocks * 512; used > 1<<20 {
		t.Errorf("%d bytes are used for two runs of data of 160 KiB", used)
	}
}

// A stream that was cut is not taken for one that ended.
func TestCopyOfCutStreamFails(t *testing.T) {
	cut := io.MultiReader(strings.NewReader("data"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if _, err := sparse.Copy(create(t), cut); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an unexpected end", err)
	}
}

func TestReaderGivesZerosForHoles(t *testing.T) {
	f, want := create(t), mixed()
	if _, err := sparse.Copy(f, bytes.NewReader(want)); err != nil {
		t.Fatal(err)
	}
	r, err := sparse.Open(t.Context(), f.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Size() != int64(len(want)) {
		t.Errorf("the size is %d, want %d", r.Size(), len(want))
	}
	if err := iotest.TestReader(struct{ io.Reader }{r}, want); err != nil {
		t.Error(err)
	}
}

func TestReaderOfFileThatBecameShorter(t *testing.T) {
	f := create(t)
	if _, err := f.Write(make([]byte, 4<<20)); err != nil {
		t.Fatal(err)
	}
	r, err := sparse.Open(t.Context(), f.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(2 << 20); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an unexpected end", err)
	}
}

func TestReaderEndsWithItsContext(t *testing.T) {
	f := create(t)
	if err := f.Truncate(1 << 30); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	r, err := sparse.Open(ctx, f.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	end()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}

func TestExtents(t *testing.T) {
	f := create(t)
	if _, err := f.WriteAt(make([]byte, 64<<10), 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(4 << 20); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ at, start, end int64 }{
		{0, 1 << 20, 1<<20 + 64<<10}, {1<<20 + 4096, 1<<20 + 4096, 1<<20 + 64<<10}, {2 << 20, 4 << 20, 4 << 20},
	} {
		start, end, err := sparse.Extent(f, tt.at, 4<<20)
		if err != nil || start != tt.start || end != tt.end {
			t.Errorf("after %d: got %d to %d and %v, want %d to %d", tt.at, start, end, err, tt.start, tt.end)
		}
	}
}
