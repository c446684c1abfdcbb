package content

import (
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/protocol"
)

// maxPath is the length of a path in bytes: Linux's PATH_MAX.
const maxPath = 4096

// packageLists are the folders whose files are lists of installed packages.
var packageLists = []string{"var/lib/dpkg/", "lib/apk/db/", "usr/lib/apk/db/", "var/lib/rpm/", "usr/lib/sysimage/rpm/", "usr/share/rpm/"}

// budget counts what one tree has used of its limits.
type budget struct {
	limits  protocol.Limits
	entries int64
	bytes   int64
}

// entry counts one entry of any type and checks its path.
func (b *budget) entry(path string) error {
	b.entries++
	switch {
	case b.entries > b.limits.Entries:
		return fault.New(fault.Integrity, "more than %d entries", b.limits.Entries)
	case len(path) > maxPath:
		return fault.New(fault.Integrity, "a path of more than %d bytes", maxPath)
	case strings.Count(path, "/") >= b.limits.Depth:
		return fault.New(fault.Integrity, "%.80q… is more than %d folders deep", path, b.limits.Depth)
	case path == ".." || strings.HasPrefix(path, "../"):
		return fault.New(fault.Integrity, "the path %.80q climbs out of the tree", path)
	case strings.ContainsRune(path, 0):
		return fault.New(fault.Integrity, "the path %.80q holds a zero byte", path)
	}
	return nil
}

// file counts the bytes that a regular file says it has.
func (b *budget) file(path string, size int64) error {
	if size < 0 || size > b.limits.FileBytes {
		return fault.New(fault.Integrity, "%s has %d bytes: more than %d", path, size, b.limits.FileBytes)
	}
	if b.bytes += size; b.bytes > b.limits.TreeBytes {
		return fault.New(fault.Integrity, "the files have more than %d bytes", b.limits.TreeBytes)
	}
	for _, folder := range packageLists {
		if strings.HasPrefix(path, folder) && size > b.limits.PackageListBytes {
			return fault.New(fault.Integrity, "the list of packages %s has %d bytes: more than %d", path, size, b.limits.PackageListBytes)
		}
	}
	return nil
}
