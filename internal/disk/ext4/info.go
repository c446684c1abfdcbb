package ext4

import (
	"io/fs"

	"github.com/bakelite/bakelite/internal/disk/inodes"
)

// Mode has the bits for set-uid, set-gid and sticky too.
func (n *inode) Mode() fs.FileMode {
	kind, known := map[uint16]fs.FileMode{
		regular: 0, folder: fs.ModeDir, link: fs.ModeSymlink, device: fs.ModeDevice, character: fs.ModeDevice | fs.ModeCharDevice,
		0x1000: fs.ModeNamedPipe, 0xC000: fs.ModeSocket,
	}[n.kind()]
	if !known {
		kind = fs.ModeIrregular
	}
	return inodes.Permissions(n.mode) | kind
}

// Size is in bytes.
func (n *inode) Size() uint64 { return n.size }

// Modified is in seconds since 1970.
func (n *inode) Modified() uint32 { return n.modified }

// Target is where a link leads.
func (n *inode) Target() string { return n.target }

// Stat was read with the inode.
func (n *inode) Stat() (inodes.Stat, error) {
	return inodes.Stat{UID: n.uid, GID: n.gid, Major: n.major, Minor: n.minor, Target: n.target, Xattrs: n.xattrs}, nil
}

// Pieces reads what lies together.
func (n *inode) Pieces() func(at uint64) ([]byte, error) {
	return func(at uint64) ([]byte, error) { return n.fs.piece(n, at) }
}
