// Package owner says whether a file that was found, and not named, is the word
// of who runs this process or one that another user could have written.
package owner

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// Rule is whose files count: those of root, of the user of this process and,
// where that is root by sudo, of who called it.
type Rule struct{ users []uint32 }

// Own is the rule for this process, whose environment has the value of
// SUDO_UID, or "". As with git, who calls sudo vouches for the folder.
func Own(sudoUID string) Rule {
	me := uint32(os.Geteuid())
	r := Rule{users: []uint32{0, me}}
	if caller, err := strconv.ParseUint(sudoUID, 10, 32); err == nil && me == 0 {
		r.users = append(r.users, uint32(caller))
	}
	return r
}

// Check returns nil where the file at path, which was opened as info tells,
// and the link that path may be, belong to users that count, and nobody else
// can write to it. The error says what is wrong, after "it".
func (r Rule) Check(path string, info fs.FileInfo) error {
	entry, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("cannot be looked at: %w", err)
	}
	if entry.Mode()&fs.ModeSymlink != 0 {
		if by := owner(entry); !slices.Contains(r.users, by) {
			return fmt.Errorf("is a link of another user (%s)", name(by))
		}
	}
	by := owner(info)
	switch {
	case !slices.Contains(r.users, by):
		return fmt.Errorf("belongs to another user (%s)", name(by))
	case info.Mode().Perm()&0o002 != 0:
		return fmt.Errorf("can be written by all users (mode %04o)", info.Mode().Perm())
	case info.Mode().Perm()&0o020 != 0 && !private(info):
		return fmt.Errorf("can be written by a group (mode %04o)", info.Mode().Perm())
	}
	return folders(path)
}

// folders refuses a folder, of the link or of what it leads to, in which all
// users could put another file in the place of this one.
func folders(path string) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("cannot be looked at: %w", err)
	}
	for _, file := range []string{path, target} {
		dir := filepath.Dir(file)
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("cannot be looked at: %w", err)
		}
		if info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
			return fmt.Errorf("lies in %s, which can be written by all users (mode %04o)", dir, info.Mode().Perm())
		}
	}
	return nil
}

// nobody stands for an owner that the file system does not tell.
const nobody = ^uint32(0)

func owner(info fs.FileInfo) uint32 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Uid
	}
	return nobody
}

func name(uid uint32) string {
	if u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
		return u.Username
	}
	return strconv.FormatUint(uint64(uid), 10)
}

// private says whether a file's group is its owner's own: Debian and others
// give each user a group of the same name and files that it can write to.
func private(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	group, err := user.LookupGroupId(strconv.FormatUint(uint64(stat.Gid), 10))
	return err == nil && group.Name == name(stat.Uid)
}
