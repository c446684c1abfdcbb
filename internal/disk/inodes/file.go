package inodes

import (
	"errors"
	"io"
	"io/fs"
	"path"
)

// Open opens a file or a folder.
func (f *FS) Open(at string) (fs.File, error) {
	n, err := f.find("open", at)
	if err != nil {
		return nil, err
	}
	i, err := infoOf(path.Base(at), n)
	switch {
	case err != nil:
		return nil, err
	case i.IsDir():
		return &folder{file: file{info: i}, fs: f, at: at}, nil
	case i.Mode().IsRegular():
		return &file{info: i, piece: n.Pieces()}, nil
	}
	return &file{info: i}, nil
}

// file reads one file from its start to its end.
type file struct {
	info  info
	piece func(at uint64) ([]byte, error) // nil for what is no regular file
	at    uint64                          // bytes before the next piece
	data  []byte                          // not read yet
	err   error                           // of a piece: what follows has no place
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

func (f *file) Read(p []byte) (int, error) {
	if f.piece == nil {
		return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: errors.New("not a regular file")}
	}
	if len(f.data) == 0 && f.err == nil {
		if f.at >= f.info.inode.Size() {
			return 0, io.EOF
		}
		f.data, f.err = f.piece(f.at)
		f.at += uint64(len(f.data))
	}
	if f.err != nil {
		return 0, f.err
	}
	n := copy(p, f.data)
	f.data = f.data[n:]
	return n, nil
}

// folder is an open folder.
type folder struct {
	file
	fs   *FS
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
