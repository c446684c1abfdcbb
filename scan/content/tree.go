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
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/protocol"
)

// part is a file system and the folder of the tree that it is mounted on,
// "." for the root.
type part struct {
	at   string
	fsys fs.FS
}

// kernels are the folders that a kernel fills where a folder to scan is the
// root of a system that runs; `trivy rootfs` leaves them out too.
func kernels() []string { return []string{"proc", "sys", "dev"} }

// beneath begins the paths of what another part hides by its mount point: no
// system shows it, and who has the disk can read it.
const beneath = "beneath-mounts"

// walkParts visits every regular file of the parts in order, but for the
// folders of left.
func walkParts(ctx context.Context, parts []part, left []string, limits protocol.Limits, visit Visit) (Removed, error) {
	w := treeWalk{ctx: ctx, budget: budget{limits: limits}, visit: visit, left: left}
	for _, p := range parts {
		w.mounts = append(w.mounts, p.at)
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
	mounts []string
	left   []string
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
			if slices.Contains(w.left, full) {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		if w.hides(p, full) {
			full = path.Join(beneath, full)
		}
		return w.file(p.fsys, name, full, entry)
	}
}

// hides says whether another part is mounted over a path of this one.
func (w *treeWalk) hides(p part, full string) bool {
	return slices.ContainsFunc(w.mounts, func(at string) bool {
		return at != p.at && at != "." && strings.HasPrefix(full, at+"/") && !strings.HasPrefix(p.at, at+"/")
	})
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
		return walkParts(ctx, []part{{".", root.FS()}}, kernels(), limits.Filled(), visit)
	}
	return Artifact{Kind: Folder, Trees: []Tree{{Verify: verified, Walk: walk}}, close: root.Close}, nil
}

// verified is for bytes that have no digest, or were compared with it when
// they were opened.
func verified(context.Context) error { return nil }
