package tree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Limits on one name's extended attributes, in bytes: Linux's own
// (XATTR_LIST_MAX, XATTR_SIZE_MAX).
const (
	maxXattrNames = 64 << 10
	maxXattrValue = 64 << 10
)

// OnDisk is a folder of this machine as a tree. It is read through one open
// descriptor, and the kernel refuses every way out of it.
type OnDisk struct{ root *os.File }

var _ Tree = (*OnDisk)(nil)

// OpenFolder opens a folder, through a link too: "/proc/1/root" is what the
// first process sees.
func OpenFolder(dir string) (*OnDisk, error) {
	root, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	return FolderOf(root)
}

// FolderOf is an open folder as a tree, which owns the descriptor from now on.
func FolderOf(root *os.File) (*OnDisk, error) {
	// Attributes are read by names below it.
	if _, err := os.Lstat(procPath(root, ".")); err != nil {
		return nil, errors.Join(fmt.Errorf("reading /proc: %w", err), root.Close())
	}
	return &OnDisk{root}, nil
}

// Close lets go of the folder.
func (o *OnDisk) Close() error { return o.root.Close() }

// at opens a name below the root without following a link.
func (o *OnDisk) at(operation, name string, flags int) (*os.File, error) {
	if err := valid(operation, name); err != nil {
		return nil, err
	}
	relative := "." + strings.TrimSuffix(name, "/")
	how := &unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC | unix.O_NOFOLLOW), Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
	for {
		fd, err := unix.Openat2(int(o.root.Fd()), relative, how)
		switch {
		case errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN): // somebody renames at the same time
			continue
		case errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR):
			err = fs.ErrNotExist
		}
		if err != nil {
			return nil, &fs.PathError{Op: operation, Path: name, Err: err}
		}
		return os.NewFile(uintptr(fd), name), nil
	}
}

// Lstat describes what is at a name.
func (o *OnDisk) Lstat(name string) (Info, error) {
	if err := valid("lstat", name); err != nil {
		return Info{}, err
	}
	if name == "/" {
		return describe(o.root, ".", name)
	}
	above, err := o.at("lstat", path.Dir(name), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return Info{}, err
	}
	defer above.Close()
	return describe(above, path.Base(name), name)
}

// ReadDir lists a folder, sorted by name; what goes away meanwhile is left out.
func (o *OnDisk) ReadDir(name string) ([]Entry, error) {
	dir, err := o.at("readdir", name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	entries := make([]Entry, 0, len(names))
	for _, base := range names {
		info, err := describe(dir, base, path.Join(name, base))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, Entry{base, info})
	}
	return entries, nil
}

// Open opens a regular file; it waits for no pipe and opens no device.
func (o *OnDisk) Open(name string) (io.ReadCloser, error) {
	f, err := o.at("open", name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// describe looks at one name of an open folder.
func describe(dir *os.File, base, name string) (Info, error) {
	var s unix.Stat_t
	if err := unix.Fstatat(int(dir.Fd()), base, &s, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return Info{}, &fs.PathError{Op: "lstat", Path: name, Err: err}
	}
	info := Info{Mode: s.Mode, UID: s.Uid, GID: s.Gid, Size: s.Size, Device: s.Dev}
	switch {
	case info.IsDevice():
		info.Major, info.Minor = unix.Major(s.Rdev), unix.Minor(s.Rdev)
	case info.IsLink():
		return info, follow(&info, dir, base, name)
	}
	var err error
	info.Xattrs, err = xattrs(procPath(dir, base))
	if err != nil {
		err = &fs.PathError{Op: "lstat", Path: name, Err: err}
	}
	return info, err
}

func follow(info *Info, dir *os.File, base, name string) error {
	target := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(dir.Fd()), base, target)
	if err != nil {
		return &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	info.Target = string(target[:n])
	return nil
}
