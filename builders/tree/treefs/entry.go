package treefs

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"
)

// SetDate gives an entry one date, in seconds since 1970; links are not
// followed.
func (e *Entry) SetDate(seconds int64) error {
	to := unix.NsecToTimespec(seconds * 1e9)
	return e.wrap("date", unix.UtimesNanoAt(e.dir, e.name, []unix.Timespec{to, to}, unix.AT_SYMLINK_NOFOLLOW))
}

// CheckDates is an error where the tree lies on a file system that keeps no
// fractions of seconds.
func (t *FS) CheckDates() error {
	return t.At(".", func(e *Entry) error {
		set := func(to unix.Timespec) error {
			return e.wrap("date", unix.UtimesNanoAt(e.dir, e.name, []unix.Timespec{e.Stat.Atim, to}, unix.AT_SYMLINK_NOFOLLOW))
		}
		const fraction = 1000 // some file systems keep no less
		to := e.Stat.Mtim
		to.Nsec = fraction
		if err := set(to); err != nil {
			return err
		}
		var now unix.Stat_t
		if err := unix.Fstatat(e.dir, e.name, &now, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return e.wrap("stat", err)
		}
		if now.Mtim.Nsec != fraction {
			return errors.New("the engine's state lies on a file system that keeps dates in whole seconds; it takes one with finer dates, such as ext4, XFS or Btrfs")
		}
		return set(e.Stat.Mtim)
	})
}

// Chown gives an entry away by number; -1 leaves one of the two. It takes
// set-id bits and capabilities from a program.
func (e *Entry) Chown(uid, gid int) error {
	return e.wrap("chown", unix.Fchownat(e.dir, e.name, uid, gid, unix.AT_SYMLINK_NOFOLLOW))
}

// Chmod sets the lower twelve bits of the mode of what is no link.
func (e *Entry) Chmod(mode uint32) error {
	err := e.wrap("chmod", unix.Fchmodat(e.dir, e.name, mode, 0))
	if err == nil {
		e.Stat.Mode = e.Type() | mode
	}
	return err
}

// maxNames bounds the names of one entry's extended attributes, as Linux does
// (XATTR_LIST_MAX).
const maxNames = 64 << 10

// Attributes returns the names of the entry's extended attributes.
func (e *Entry) Attributes() ([]string, error) {
	size, err := unix.Llistxattr(e.proc(), nil)
	if size == 0 || errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	buffer := make([]byte, maxNames)
	if err == nil { // an overlay counts its own too, and does not list them
		size, err = unix.Llistxattr(e.proc(), buffer)
	}
	if err != nil {
		return nil, e.wrap("listxattr", err)
	}
	return strings.FieldsFunc(string(buffer[:size]), func(c rune) bool { return c == 0 }), nil
}

// RemoveAttribute removes an extended attribute.
func (e *Entry) RemoveAttribute(name string) error {
	return e.wrap("removexattr", unix.Lremovexattr(e.proc(), name))
}

// SetAttribute sets an extended attribute.
func (e *Entry) SetAttribute(name string, value []byte) error {
	return e.wrap("setxattr", unix.Lsetxattr(e.proc(), name, value, 0))
}

// proc is a path to the entry that leads through no link of the tree: there
// are no calls for attributes that take a folder and a name.
func (e *Entry) proc() string { return fmt.Sprintf("/proc/self/fd/%d/%s", e.dir, e.name) }

func (e *Entry) wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: e.Path, Err: err}
}
