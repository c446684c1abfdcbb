package inodes

import (
	"io/fs"
	"path"
	"time"
)

type info struct {
	name  string
	inode Inode
	stat  Stat
}

func infoOf(name string, n Inode) (info, error) {
	s, err := n.Stat()
	return info{name, n, s}, err
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return int64(i.inode.Size()) }
func (i info) Mode() fs.FileMode  { return i.inode.Mode() }
func (i info) ModTime() time.Time { return time.Unix(int64(i.inode.Modified()), 0).UTC() }
func (i info) IsDir() bool        { return i.Mode().IsDir() }
func (i info) Sys() any           { return &i.stat }

// Permissions are the lowest twelve bits of a Unix mode in Go's words.
func Permissions(bits uint16) fs.FileMode {
	mode := fs.FileMode(bits & 0o777)
	for bit, flag := range map[uint16]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if bits&bit != 0 {
			mode |= flag
		}
	}
	return mode
}

// Lstat describes what is at a path.
func (f *FS) Lstat(at string) (fs.FileInfo, error) {
	n, err := f.find("lstat", at)
	if err != nil {
		return nil, err
	}
	return infoOf(path.Base(at), n)
}

// Stat is Lstat: no link is followed.
func (f *FS) Stat(at string) (fs.FileInfo, error) { return f.Lstat(at) }

// ReadLink returns where a link leads.
func (f *FS) ReadLink(at string) (string, error) {
	n, err := f.find("readlink", at)
	if err != nil {
		return "", err
	}
	if n.Mode().Type() != fs.ModeSymlink {
		return "", &fs.PathError{Op: "readlink", Path: at, Err: fs.ErrInvalid}
	}
	return n.Target(), nil
}
