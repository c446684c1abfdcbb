package content

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/protocol"
)

// part is a file system and the folder of the tree that it is mounted on,
// "." for the root.
type part struct {
	at   string
	fsys fs.FS
}

// hidden are folders that hold no content of their own in any running
// system; `trivy rootfs` leaves them out too.
var hidden = []string{"proc", "sys", "dev"}

// walkParts visits every regular file of the parts in order. A part hides
// what lies below its mount point in the others.
func walkParts(ctx context.Context, parts []part, limits protocol.Limits, visit Visit) (Removed, error) {
	w := treeWalk{ctx: ctx, budget: budget{limits: limits}, visit: visit, mounts: map[string]bool{}}
	for _, p := range parts {
		w.mounts[p.at] = true
	}
	for _, p := range parts {
		if err := fs.WalkDir(p.fsys, ".", w.in(p)); err != nil {
			return Removed{}, fmt.Errorf("reading %s: %w", path.Join("/", p.at), classify(err))
		}
	}
	return Removed{Bytes: w.budget.bytes}, nil
}

type treeWalk struct {
	ctx    context.Context
	budget budget
	visit  Visit
	mounts map[string]bool
}

func (w *treeWalk) in(p part) fs.WalkDirFunc {
	return func(name string, entry fs.DirEntry, err error) error {
		if err := errors.Join(err, w.ctx.Err()); err != nil {
			return err
		}
		full := path.Join(p.at, name)
		if err := w.budget.entry(full); err != nil {
			return err
		}
		if entry.IsDir() {
			return w.folder(full, name)
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		return w.file(p.fsys, name, full, entry)
	}
}

func (w *treeWalk) folder(full, name string) error {
	if name != "." && w.mounts[full] || path.Base(full) == ".git" {
		return fs.SkipDir
	}
	for _, h := range hidden {
		if full == h {
			return fs.SkipDir
		}
	}
	return nil
}

func (w *treeWalk) file(fsys fs.FS, name, full string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	if err := w.budget.file(full, info.Size()); err != nil {
		return err
	}
	open := func() (io.ReadCloser, error) { return fsys.Open(name) }
	return w.visit(File{Path: full, Info: info, Open: open})
}

// OpenFolder opens a plain folder as the root of a tree. No link leads out of
// it.
func OpenFolder(dir string, limits protocol.Limits) (Artifact, error) {
	root, err := os.OpenRoot(filepath.Clean(dir))
	if err != nil {
		return Artifact{}, fault.As(fault.Missing, fmt.Errorf("opening folder: %w", err))
	}
	walk := func(ctx context.Context, visit Visit) (Removed, error) {
		return walkParts(ctx, []part{{".", root.FS()}}, limits.Filled(), visit)
	}
	return Artifact{Kind: Folder, Trees: []Tree{{Verify: verified, Walk: walk}}, close: root.Close}, nil
}

// verified is for bytes that have no digest, or were compared with it when
// they were opened.
func verified(context.Context) error { return nil }
