package inodes_test

import (
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/bakelite/bakelite/internal/disk/inodes"
)

// small is a file system by the places of its inodes.
type small map[uint64]inode

type inode struct {
	mode  fs.FileMode
	names []inodes.Name
	piece func(at uint64) ([]byte, error)
	reads *int // of its list
}

func (n inode) Mode() fs.FileMode                       { return n.mode }
func (n inode) Size() uint64                            { return 6 }
func (n inode) Modified() uint32                        { return 0 }
func (n inode) Target() string                          { return "" }
func (n inode) Stat() (inodes.Stat, error)              { return inodes.Stat{}, nil }
func (n inode) Pieces() func(at uint64) ([]byte, error) { return n.piece }
func (n inode) List() ([]inodes.Name, error)            { *n.reads++; return n.names, nil }

func (s small) open() *inodes.FS {
	return inodes.New(1, func(at uint64) (inodes.Inode, error) { return s[at], nil })
}

// TestNothingIsReadAfterAnError: a reader that asks again after a damaged piece
// gets the error, not what lies behind the damage.
func TestNothingIsReadAfterAnError(t *testing.T) {
	calls, damaged := 0, errors.New("damaged")
	f := small{1: {mode: fs.ModeDir, names: []inodes.Name{{Text: "f", Inode: 2}}, reads: new(int)}, 2: {piece: func(uint64) ([]byte, error) {
		if calls++; calls == 2 {
			return nil, damaged
		}
		return []byte("abc"), nil
	}}}.open()
	opened, err := f.Open("f")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(opened); string(text) != "abc" || !errors.Is(err, damaged) {
		t.Errorf("got %q, %v", text, err)
	}
	if n, err := opened.Read(make([]byte, 9)); n != 0 || !errors.Is(err, damaged) || calls != 2 {
		t.Errorf("read %d bytes more (%v) with %d pieces", n, err, calls)
	}
}

// TestFoldersAreRemembered: a path is found from the nearest folder that was
// met, and not from the root each time.
func TestFoldersAreRemembered(t *testing.T) {
	root, below := 0, 0
	f := small{
		1: {mode: fs.ModeDir, names: []inodes.Name{{Text: "a", Inode: 2}}, reads: &root},
		2: {mode: fs.ModeDir, names: []inodes.Name{{Text: "b", Inode: 3}}, reads: &below},
		3: {},
	}.open()
	for range 5 {
		if _, err := f.Lstat("a/b"); err != nil {
			t.Fatal(err)
		}
	}
	if root != 1 || below != 5 {
		t.Errorf("the root was listed %d times, and a %d times", root, below)
	}
	if _, err := f.Lstat("a/b/c"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("below a file: %v", err)
	}
}
