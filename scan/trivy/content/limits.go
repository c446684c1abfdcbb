package content

import (
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
)

// Limits bound what is read; every zero is replaced by the value of
// DefaultLimits.
type Limits struct {
	// Entries is the number of files, folders and links of one tree.
	Entries int64 `json:"entries,omitempty"`
	// Depth is the number of names in one path.
	Depth int `json:"depth,omitempty"`
	// FileBytes is the size of one file.
	FileBytes int64 `json:"fileBytes,omitempty"`
	// TreeBytes is the size of one tree, unpacked.
	TreeBytes int64 `json:"treeBytes,omitempty"`
	// Layers is the number of an image's layers.
	Layers int `json:"layers,omitempty"`
	// DocumentBytes is the size of a manifest or configuration.
	DocumentBytes int64 `json:"documentBytes,omitempty"`
	// SBOMBytes is the size of an SBOM.
	SBOMBytes int64 `json:"sbomBytes,omitempty"`
	// PackageListBytes is the size of one list of installed packages, such as
	// dpkg's status file.
	PackageListBytes int64 `json:"packageListBytes,omitempty"`
}

// maxPath is the length of a path in bytes: Linux's PATH_MAX.
const maxPath = 4096

// DefaultLimits are far above any artifact that is meant to run: a full
// desktop has 400,000 files, 20 GiB and a status file of 5 MiB.
func DefaultLimits() Limits {
	return Limits{
		Entries: 2_000_000, Depth: 255, FileBytes: 8 << 30, TreeBytes: 64 << 30, Layers: 500,
		DocumentBytes: 4 << 20, SBOMBytes: 128 << 20, PackageListBytes: 128 << 20,
	}
}

// Filled returns l with the defaults in place of zeros.
func (l Limits) Filled() Limits {
	d := DefaultLimits()
	return Limits{
		Entries: or(l.Entries, d.Entries), Depth: or(l.Depth, d.Depth), FileBytes: or(l.FileBytes, d.FileBytes),
		TreeBytes: or(l.TreeBytes, d.TreeBytes), Layers: or(l.Layers, d.Layers), DocumentBytes: or(l.DocumentBytes, d.DocumentBytes),
		SBOMBytes: or(l.SBOMBytes, d.SBOMBytes), PackageListBytes: or(l.PackageListBytes, d.PackageListBytes),
	}
}

func or[T int | int64](value, instead T) T {
	if value > 0 {
		return value
	}
	return instead
}

// packageLists are the folders whose files are lists of installed packages.
var packageLists = []string{"var/lib/dpkg/", "lib/apk/db/", "usr/lib/apk/db/", "var/lib/rpm/", "usr/lib/sysimage/rpm/", "usr/share/rpm/"}

// budget counts what one tree has used of its limits.
type budget struct {
	limits  Limits
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
