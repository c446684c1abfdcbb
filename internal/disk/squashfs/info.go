package squashfs

import (
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
	stat  Stat
}

func (f *FS) info(base string, n *inode) (info, error) {
	xattrs, err := f.xattrs.get(n.xattr)
	// As the kernel's new_decode_dev does (include/linux/kdev_t.h).
	s := Stat{
		UID: n.uid, GID: n.gid, Target: n.target, Xattrs: xattrs,
		Major: n.device >> 8 & 0xfff, Minor: n.device&0xff | n.device>>12&0xfff00,
	}
	return info{base, n, s}, err
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return int64(i.inode.size) }
func (i info) ModTime() time.Time { return time.Unix(int64(i.inode.modified), 0).UTC() }
func (i info) IsDir() bool        { return i.inode.kind == folderKind }
func (i info) Sys() any           { return &i.stat }

// Mode has the bits for set-uid, set-gid and sticky too.
func (i info) Mode() fs.FileMode {
	mode := fs.FileMode(i.inode.mode & 0o777)
	for bit, flag := range map[uint16]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if i.inode.mode&bit != 0 {
			mode |= flag
		}
	}
	return mode | map[uint16]fs.FileMode{
		folderKind: fs.ModeDir, linkKind: fs.ModeSymlink, blockKind: fs.ModeDevice,
		characterKind: fs.ModeDevice | fs.ModeCharDevice, pipeKind: fs.ModeNamedPipe, socketKind: fs.ModeSocket,
	}[i.inode.kind]
}

// Lstat describes what is at a path.
func (f *FS) Lstat(at string) (fs.FileInfo, error) {
	n, err := f.find("lstat", at)
	if err != nil {
		return nil, err
	}
	return f.info(path.Base(at), n)
}

// Stat is Lstat: no link is followed.
func (f *FS) Stat(at string) (fs.FileInfo, error) { return f.Lstat(at) }

// ReadLink returns where a link leads.
func (f *FS) ReadLink(at string) (string, error) {
	n, err := f.find("readlink", at)
	if err != nil {
		return "", err
	}
	if n.kind != linkKind {
		return "", &fs.PathError{Op: "readlink", Path: at, Err: fs.ErrInvalid}
	}
	return n.target, nil
}
