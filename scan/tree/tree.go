// Package tree is what a file system looks like to who only reads it: an image
// with its layers applied, the partitions of a disk, a folder, a machine that
// runs. It follows no link by itself, and refuses names that are not absolute
// and clean. It imports nothing of ours but limits; whoever reads or checks
// trees may import it.
package tree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/bakelite/bakelite/internal/limit"
)

// Tree is a file system. Names are absolute and clean, "/" is the root. No
// method goes through a link: behind one there is nothing (fs.ErrNotExist).
type Tree interface {
	// Lstat describes what is at a name.
	Lstat(name string) (Info, error)
	// ReadDir lists a folder, sorted by name.
	ReadDir(name string) ([]Entry, error)
	// Open opens a regular file. What it gives is as long as the file is: the
	// caller bounds it.
	Open(name string) (io.ReadCloser, error)
}

// Entry is a name in a folder, and what is there.
type Entry struct {
	Name string
	Info Info
}

// Types of file, as the mode of Linux has them (inode(7)).
const (
	Socket    = 0o140000
	Link      = 0o120000
	Regular   = 0o100000
	Block     = 0o060000
	Folder    = 0o040000
	Character = 0o020000
	Pipe      = 0o010000

	typeBits = 0o170000
)

// Bits of the mode that give rights.
const (
	SetUID      = 0o4000
	SetGID      = 0o2000
	Sticky      = 0o1000
	Permissions = 0o7777
)

// Extended attributes that give rights beside the mode (acl(5)).
const (
	AccessACL  = "system.posix_acl_access"
	DefaultACL = "system.posix_acl_default"
)

// Info is what a file system says of one name, in Linux's own words.
type Info struct {
	// Mode is st_mode: type and permissions.
	Mode     uint32
	UID, GID uint32
	// Size is that of a file in bytes.
	Size int64
	// Major and Minor are the numbers of a device node.
	Major, Minor uint32
	// Device tells file systems apart: it differs behind a mount point.
	Device uint64
	// Target is where a link leads.
	Target string
	// Xattrs are the extended attributes by their full names.
	Xattrs map[string]string
}

// Type is one of the types of file.
func (i Info) Type() uint32 { return i.Mode & typeBits }

// IsDir says whether it is a folder.
func (i Info) IsDir() bool { return i.Type() == Folder }

// IsRegular says whether it is a regular file.
func (i Info) IsRegular() bool { return i.Type() == Regular }

// IsLink says whether it is a symbolic link.
func (i Info) IsLink() bool { return i.Type() == Link }

// IsDevice says whether it is a device node.
func (i Info) IsDevice() bool { return i.Type() == Block || i.Type() == Character }

// FileMode is the mode in Go's words.
func (i Info) FileMode() fs.FileMode {
	mode := fs.FileMode(i.Mode & 0o777)
	for bit, flag := range map[uint32]fs.FileMode{SetUID: fs.ModeSetuid, SetGID: fs.ModeSetgid, Sticky: fs.ModeSticky} {
		if i.Mode&bit != 0 {
			mode |= flag
		}
	}
	switch i.Type() {
	case Socket:
		mode |= fs.ModeSocket
	case Link:
		mode |= fs.ModeSymlink
	case Block:
		mode |= fs.ModeDevice
	case Folder:
		mode |= fs.ModeDir
	case Character:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	case Pipe:
		mode |= fs.ModeNamedPipe
	}
	return mode
}

// Whiteout is a name by which a layer of an image hides what is below it.
type Whiteout struct {
	// Name is that of the mark itself, as "/var/lib/dpkg/.wh.status".
	Name string
	// Layer counts from 0, the lowest.
	Layer int
}

// Layered is a tree that is made of an image's layers.
type Layered interface {
	Tree
	// Whiteouts are the marks that were met, in their order.
	Whiteouts() []Whiteout
}

// valid refuses a name that is not absolute and clean.
func valid(operation, name string) error {
	if !strings.HasPrefix(name, "/") || path.Clean(name) != name || strings.ContainsRune(name, 0) {
		return &fs.PathError{Op: operation, Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

// parts are the names of a path, none for the root.
func parts(name string) []string {
	if name == "/" {
		return nil
	}
	return strings.Split(name[1:], "/")
}

// ReadFile reads a regular file of at most max bytes.
func ReadFile(t Tree, name string, max int64) ([]byte, error) {
	f, err := t.Open(name)
	if err != nil {
		return nil, err
	}
	text, err := limit.ReadAll(f, max, name)
	return text, errors.Join(err, f.Close())
}

// Node names a device node, as "c 1:3" or "b 254:0"; "" for what is none.
func (i Info) Node() string {
	switch i.Type() {
	case Character:
		return fmt.Sprintf("c %d:%d", i.Major, i.Minor)
	case Block:
		return fmt.Sprintf("b %d:%d", i.Major, i.Minor)
	}
	return ""
}
