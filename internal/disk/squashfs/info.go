package squashfs

import (
	"io/fs"

	"github.com/bakelite/bakelite/internal/disk/inodes"
)

// Mode has the bits for set-uid, set-gid and sticky too.
func (n *inode) Mode() fs.FileMode {
	return inodes.Permissions(n.mode) | map[uint16]fs.FileMode{
		folderKind: fs.ModeDir, linkKind: fs.ModeSymlink, blockKind: fs.ModeDevice,
		characterKind: fs.ModeDevice | fs.ModeCharDevice, pipeKind: fs.ModeNamedPipe, socketKind: fs.ModeSocket,
	}[n.kind]
}

// Size is in bytes.
func (n *inode) Size() uint64 { return n.size }

// Modified is in seconds since 1970.
func (n *inode) Modified() uint32 { return n.modified }

// Target is where a link leads.
func (n *inode) Target() string { return n.target }

// Stat reads the extended attributes too.
func (n *inode) Stat() (inodes.Stat, error) {
	xattrs, err := n.fs.xattrs.get(n.xattr)
	// As the kernel's new_decode_dev does (include/linux/kdev_t.h).
	return inodes.Stat{
		UID: n.uid, GID: n.gid, Target: n.target, Xattrs: xattrs,
		Major: n.device >> 8 & 0xfff, Minor: n.device&0xff | n.device>>12&0xfff00,
	}, err
}
