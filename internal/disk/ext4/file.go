package ext4

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"time"
)

// Stat is what Sys of a file's information returns.
type Stat struct {
	UID, GID uint32
	// Major and Minor are the numbers of a device node.
	Major, Minor uint32
	// Target is where a link leads.
	Target string
	// Xattrs are the extended attributes by their full names.
	Xattrs map[string]string
}

type info struct {
	name  string
	inode *inode
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return int64(i.inode.size) }
func (i info) ModTime() time.Time { return time.Unix(int64(i.inode.modified), 0).UTC() }
func (i info) IsDir() bool        { return i.inode.kind() == folder }

func (i info) Sys() any {
	n := i.inode
	return &Stat{UID: n.uid, GID: n.gid, Major: n.major, Minor: n.minor, Target: n.target, Xattrs: n.xattrs}
}

// Mode has the bits for set-uid, set-gid and sticky too.
func (i info) Mode() fs.FileMode {
	mode := fs.FileMode(i.inode.mode & 0o777)
	for bit, flag := range map[uint16]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if i.inode.mode&bit != 0 {
			mode |= flag
		}
	}
	kind, known := map[uint16]fs.FileMode{
		regular: 0, folder: fs.ModeDir, link: fs.ModeSymlink, device: fs.ModeDevice, character: fs.ModeDevice | fs.ModeCharDevice,
		0x1000: fs.ModeNamedPipe, 0xC000: fs.ModeSocket,
	}[i.inode.kind()]
	if !known {
		kind = fs.ModeIrregular
	}
	return mode | kind
}

// Lstat describes what is at a path.
func (f *FS) Lstat(at string) (fs.FileInfo, error) {
	n, err := f.find("lstat", at)
	if err != nil {
		return nil, err
	}
	return info{path.Base(at), n}, nil
}

// Stat is Lstat: no link is followed.
func (f *FS) Stat(at string) (fs.FileInfo, error) { return f.Lstat(at) }

// ReadLink returns where a link leads.
func (f *FS) ReadLink(at string) (string, error) {
	n, err := f.find("readlink", at)
	if err != nil {
		return "", err
	}
	if n.kind() != link {
		return "", &fs.PathError{Op: "readlink", Path: at, Err: fs.ErrInvalid}
	}
	return n.target, nil
}

// Open opens a file or a folder.
func (f *FS) Open(at string) (fs.File, error) {
	n, err := f.find("open", at)
	if err != nil {
		return nil, err
	}
	opened := file{fs: f, info: info{path.Base(at), n}}
	if n.kind() == folder {
		return &openFolder{file: opened, at: at}, nil
	}
	return &opened, nil
}

// file reads one file from its start to its end.
type file struct {
	fs   *FS
	info info
	at   uint64 // bytes before data
	data []byte // not read yet
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

func (f *file) Read(p []byte) (int, error) {
	n := f.info.inode
	if n.kind() != regular {
		return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: errors.New("not a regular file")}
	}
	if len(f.data) == 0 {
		if f.at >= n.size {
			return 0, io.EOF
		}
		var err error
		if f.data, err = f.fs.piece(n, f.at); err != nil {
			return 0, err
		}
		f.at += uint64(len(f.data))
	}
	done := copy(p, f.data)
	f.data = f.data[done:]
	return done, nil
}

// openFolder is an open folder.
type openFolder struct {
	file
	at   string
	read int // of its entries
}

// ReadDir lists the next entries, as fs.ReadDirFile asks for.
func (f *openFolder) ReadDir(count int) ([]fs.DirEntry, error) {
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
