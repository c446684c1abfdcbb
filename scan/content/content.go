// Package content reads what is scanned and checked: images in OCI layout
// folders, disks that Bakelite made, and plain folders. It follows no link,
// opens nothing but regular files, and verifies every digest on the way;
// content that is too large, too deep, climbs out of its tree or is not what
// its digest says is an error of kind Integrity. It is for processes that are
// shut in: the file system readers here meet untrusted bytes.
package content

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/protocol"
	"github.com/bakelite/bakelite/scan/tree"
)

// Kinds of artifact, as in scan.Report.
const (
	Container = "container"
	Disk      = "disk"
	Folder    = "folder"
)

// Artifact is one thing to scan, opened.
type Artifact struct {
	// Kind is Container, Disk or Folder.
	Kind string
	// Subject is the digest that was verified: of the manifest or the disk
	// file; "" for a folder.
	Subject string
	// ImageID is the digest of an image's configuration.
	ImageID string
	// Config is an image's configuration, as JSON.
	Config []byte
	// Trees are the layers from the bottom, or the one tree of a disk.
	Trees []Tree

	close func() error
	whole func(ctx context.Context, keep Keep) (tree.Tree, error)
	// cmdline is the kernel's command line, of a disk.
	cmdline func() (string, error)
}

// Open opens a root that is content; another kind, such as an SBOM, is
// fault.Invalid.
func Open(ctx context.Context, root protocol.Root, limits protocol.Limits) (Artifact, error) {
	switch root.Kind {
	case protocol.Image:
		return OpenImage(root.Path, root.Digest, limits)
	case protocol.Disk:
		return OpenDisk(ctx, root.Path, root.Digest, limits)
	case protocol.Folder:
		return OpenFolder(root.Path, limits)
	}
	return Artifact{}, fault.New(fault.Invalid, "unknown kind of root %q", root.Kind)
}

// Keep says which files of an image are kept in memory while its layers are
// read, for they will be opened; opening another one reads its layer again.
type Keep func(name string) bool

// Whole is the file system that a runtime, or a kernel, makes of the artifact:
// layers on each other, or partitions where they are mounted. All bytes of an
// image's layers have been compared with their digests when it returns.
func (a Artifact) Whole(ctx context.Context, keep Keep) (tree.Tree, error) {
	if a.whole == nil {
		return nil, fault.New(fault.Invalid, "a %s has no tree to check", a.Kind)
	}
	t, err := a.whole(ctx, keep)
	if err != nil {
		return nil, fmt.Errorf("reading the %s: %w", a.Kind, classify(err))
	}
	return t, nil
}

// Cmdline is the command line that a disk's kernel is started with; ok is
// false for what is no disk.
func (a Artifact) Cmdline() (read func() (string, error), ok bool) {
	return a.cmdline, a.cmdline != nil
}

// Close lets go of the files.
func (a Artifact) Close() error {
	if a.close == nil {
		return nil
	}
	return a.close()
}

// Tree is content that is analysed as one: a layer, or a root file system.
type Tree struct {
	// Digest and DiffID are a layer's, compressed and not.
	Digest, DiffID string
	// CreatedBy is the layer's line of the image's history.
	CreatedBy string
	// Verify compares the bytes with their digest and looks at nothing else.
	Verify func(context.Context) error
	// Walk visits every regular file, and returns only when all bytes have
	// been verified, once more.
	Walk func(context.Context, Visit) (Removed, error)
}

// Visit is called for every regular file, one after the other.
type Visit func(File) error

// File is a regular file of a tree. Open may be called once, before Visit
// returns.
type File struct {
	// Path is relative to the root of the tree, with slashes.
	Path string
	Info fs.FileInfo
	Open func() (io.ReadCloser, error)
}

// Removed is what a layer hides of the layers below.
type Removed struct {
	// OpaqueDirs end in a slash.
	OpaqueDirs []string
	// Files are single files or folders.
	Files []string
	// Bytes is the size of the tree, unpacked.
	Bytes int64
}
