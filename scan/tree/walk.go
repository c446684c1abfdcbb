package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// Limits on a walk, as those on what is scanned: a full desktop has 400,000
// files.
const (
	maxEntries = 2_000_000
	maxDepth   = 255
)

// Walker goes over trees, and counts what it meets. The zero value is ready.
type Walker struct{ entries int }

// Walk visits what is at a name and all below it on the same file system, in
// the order of names. What goes away meanwhile is left out. Its errors are
// those of visit, of the tree and of the context, and one where there are more
// entries or folders in each other than any system has.
func (w *Walker) Walk(ctx context.Context, t Tree, name string, visit func(name string, info Info) error) error {
	info, err := t.Lstat(name)
	if err != nil {
		return err
	}
	return w.walk(ctx, t, name, info, 0, visit)
}

func (w *Walker) walk(ctx context.Context, t Tree, name string, info Info, depth int, visit func(string, Info) error) error {
	w.entries++
	switch {
	case w.entries > maxEntries:
		return fmt.Errorf("more than %d files", maxEntries)
	case depth > maxDepth:
		return fmt.Errorf("%.80s… is more than %d folders deep", name, maxDepth)
	}
	if err := errors.Join(ctx.Err(), visit(name, info)); err != nil || !info.IsDir() {
		return err
	}
	entries, err := t.ReadDir(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Info.IsDir() && e.Info.Device != info.Device {
			continue
		}
		if err := w.walk(ctx, t, path.Join(name, e.Name), e.Info, depth+1, visit); err != nil {
			return err
		}
	}
	return nil
}
