package squashfs

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"path"
)

const (
	// fragmentSize is that of an entry of the table of fragments, in bytes.
	fragmentSize = 16
	// plainData is set in the size of a block that is not compressed.
	plainData = 1 << 24
)

// Open opens a file or a folder.
func (f *FS) Open(at string) (fs.File, error) {
	n, err := f.find("open", at)
	if err != nil {
		return nil, err
	}
	i, err := f.info(path.Base(at), n)
	if err != nil {
		return nil, err
	}
	if n.kind == folderKind {
		return &folder{file: file{fs: f, info: i}, at: at}, nil
	}
	return &file{fs: f, info: i, sizes: n.sizes, next: n.blocks}, nil
}

// folder is an open folder.
type folder struct {
	file
	at   string
	read int // of its entries
}

// ReadDir lists the next entries, as fs.ReadDirFile asks for.
func (f *folder) ReadDir(count int) ([]fs.DirEntry, error) {
	all, err := f.fs.ReadDir(f.at)
	if err != nil {
		return nil, err
	}
	rest := all[min(f.read, len(all)):]
	if count > 0 {
		if len(rest) == 0 {
			return nil, io.EOF
		}
		rest = rest[:min(count, len(rest))]
	}
	f.read += len(rest)
	return rest, nil
}

// file reads one file from its start to its end.
type file struct {
	fs    *FS
	info  info
	sizes stream // of the blocks that follow
	next  uint64 // where the next block lies
	at    uint64 // bytes before data
	data  []byte // unpacked, not read yet
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

func (f *file) Read(p []byte) (int, error) {
	if f.info.inode.kind != fileKind {
		return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: errors.New("not a regular file")}
	}
	if len(f.data) == 0 {
		if f.at >= f.info.inode.size {
			return 0, io.EOF
		}
		if err := f.more(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.data)
	f.data = f.data[n:]
	return n, nil
}

// more unpacks the block or the fragment that follows.
func (f *file) more() (err error) {
	n, whole := f.info.inode, uint64(f.fs.super.BlockSize)
	want := min(whole, n.size-f.at)
	if want < whole && n.fragment != none {
		f.data, err = f.fs.tail(n, want)
	} else {
		f.data, err = f.block(want)
	}
	f.at += want
	return err
}

// block unpacks the next block, of which want bytes are the file's.
func (f *file) block(want uint64) ([]byte, error) {
	var size uint32
	if err := f.sizes.fields(&size); err != nil {
		return nil, err
	}
	if size == 0 {
		return make([]byte, want), nil
	}
	at := f.next
	f.next += uint64(size &^ plainData)
	data, err := f.fs.data(at, size)
	if err != nil {
		return nil, err
	}
	if uint64(len(data)) != want {
		return nil, broken("a block of %d bytes: want %d", len(data), want)
	}
	return data, nil
}

// data reads a block of files' content.
func (f *FS) data(at uint64, size uint32) ([]byte, error) {
	length := size &^ plainData
	if length > f.super.BlockSize || !f.inImage(at, uint64(length)) {
		return nil, broken("a block of %d bytes, or one that lies outside", length)
	}
	packed := make([]byte, length)
	if _, err := f.r.ReadAt(packed, int64(at)); err != nil {
		return nil, broken("reading a block: %w", err)
	}
	if size&plainData != 0 {
		return packed, nil
	}
	f.mu.Lock() // a decoder has one user at a time
	defer f.mu.Unlock()
	return f.unpack(packed, int(f.super.BlockSize))
}

// tail reads the end of a file out of the fragment that it shares.
func (f *FS) tail(n *inode, want uint64) ([]byte, error) {
	e, err := f.fragments.get(int64(n.fragment))
	if err != nil {
		return nil, err
	}
	piece, err := f.piece(int64(binary.LittleEndian.Uint64(e)), binary.LittleEndian.Uint32(e[8:]))
	if err != nil {
		return nil, err
	}
	if end := uint64(n.offset) + want; end > uint64(len(piece)) {
		return nil, broken("a fragment of %d bytes: want %d", len(piece), end)
	}
	return piece[n.offset : uint64(n.offset)+want], nil
}

// piece reads a fragment; those read last are kept, as many files share one.
func (f *FS) piece(at int64, size uint32) ([]byte, error) {
	f.mu.Lock()
	known, ok := f.pieces[at]
	f.mu.Unlock()
	if ok {
		return known, nil
	}
	data, err := f.data(uint64(at), size)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.pieces) >= keptPieces {
		clear(f.pieces)
	}
	f.pieces[at] = data
	return data, nil
}
