package content

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/scan/protocol"
	"github.com/bakelite/bakelite/scan/tree"
)

// Limits on the content of files of an image that is checked.
const (
	// maxKept bounds one file that is kept, and keptBytes all of them.
	maxKept   = 4 << 20
	keptBytes = 64 << 20
	// maxReopened is how many files are read that were not kept.
	maxReopened = 64
)

// attributePrefix begins the names of extended attributes in a layer
// (pax(1)'s vendor records of star).
const attributePrefix = "SCHILY.xattr."

// union applies the layers of an image to each other, as a runtime does.
func union(layers []layer, limits protocol.Limits) func(context.Context, Keep) (tree.Tree, error) {
	return func(ctx context.Context, keep Keep) (tree.Tree, error) {
		u := &unioned{ctx: ctx, tree: tree.New(), keep: keep, budget: budget{limits: limits}, reopen: maxReopened}
		for i, l := range layers {
			u.layer, u.number, u.fresh, u.entry = l, i, map[string]bool{}, 0
			if _, err := l.each(ctx, u.add); err != nil {
				return nil, fmt.Errorf("reading layer %s: %w", l.blob.Digest, err)
			}
		}
		return u.tree, nil
	}
}

// unioned is a union that is being made.
type unioned struct {
	ctx    context.Context
	tree   *tree.Memory
	keep   Keep
	budget budget
	kept   int64 // bytes
	reopen int

	// Of the layer that is read: its number from the lowest, the number of the
	// entry, and the names that it has, which its own marks spare.
	layer  layer
	number int
	entry  int
	fresh  map[string]bool
}

// add applies one entry.
func (u *unioned) add(h *tar.Header, r io.Reader) error {
	u.entry++
	name := "/" + strings.TrimLeft(path.Clean(h.Name), "/")
	if err := u.budget.entry(name[1:]); err != nil {
		return err
	}
	if name = path.Clean(name); name == "/" {
		return u.put(name, h, r)
	}
	// Links on the way count from the tree's root.
	above, err := tree.Chroot(u.tree, path.Dir(name))
	if err != nil {
		return err
	}
	at := path.Join(above, path.Base(name))
	switch base := path.Base(name); {
	case base == opaque:
		u.tree.Hide(tree.Whiteout{Name: at, Layer: u.number})
		u.tree.Clear(above, u.spared)
		return nil
	case strings.HasPrefix(base, whiteout):
		u.tree.Hide(tree.Whiteout{Name: at, Layer: u.number})
		if gone := strings.TrimPrefix(base, whiteout); gone != "" && gone != "." && gone != ".." {
			u.tree.Remove(path.Join(above, gone), u.spared)
		}
		return nil
	}
	u.fresh[at] = true
	return u.put(at, h, r)
}

func (u *unioned) spared(name string) bool { return u.fresh[name] }

// put puts an entry at its place.
func (u *unioned) put(at string, h *tar.Header, r io.Reader) error {
	info := tree.Info{
		Mode: uint32(h.Mode) & tree.Permissions, UID: uint32(h.Uid), GID: uint32(h.Gid), Size: h.Size,
		Major: uint32(h.Devmajor), Minor: uint32(h.Devminor), Xattrs: attributes(h),
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
		info.Mode |= tree.Regular
		if err := u.budget.file(at[1:], h.Size); err != nil {
			return err
		}
		open, err := u.content(at, h.Size, r)
		if err != nil {
			return err
		}
		return u.tree.Add(at, info, open)
	case tar.TypeLink:
		return u.link(at, h)
	case tar.TypeSymlink:
		info.Mode, info.Target = tree.Link|0o777, h.Linkname
	case tar.TypeDir:
		info.Mode |= tree.Folder
	case tar.TypeChar:
		info.Mode |= tree.Character
	case tar.TypeBlock:
		info.Mode |= tree.Block
	case tar.TypeFifo:
		info.Mode |= tree.Pipe
	default: // records about other entries
		return nil
	}
	return u.tree.Add(at, info, nil)
}

func (u *unioned) link(at string, h *tar.Header) error {
	to := path.Clean("/" + h.Linkname)
	above, err := tree.Chroot(u.tree, path.Dir(to))
	if err != nil {
		return err
	}
	if err := u.tree.Link(path.Join(above, path.Base(to)), at); err != nil {
		return fault.New(fault.Integrity, "%s is a hard link: %w", at, err)
	}
	return nil
}

func attributes(h *tar.Header) map[string]string {
	var all map[string]string
	for key, value := range h.PAXRecords {
		if name, ok := strings.CutPrefix(key, attributePrefix); ok {
			if all == nil {
				all = map[string]string{}
			}
			all[name] = value
		}
	}
	return all
}

// content keeps a file that will be opened; another one is read again.
func (u *unioned) content(at string, size int64, r io.Reader) (func() (io.ReadCloser, error), error) {
	if size > maxKept || u.kept+size > keptBytes || !u.keep(at) {
		l, entry := u.layer, u.entry
		return func() (io.ReadCloser, error) { return u.again(l, entry, at) }, nil
	}
	u.kept += size
	text, err := limit.ReadAll(r, size, at)
	if err != nil {
		return nil, err
	}
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }, nil
}

var errEnough = errors.New("the entry was read")

// again reads one entry of a layer, by its number.
func (u *unioned) again(l layer, entry int, at string) (io.ReadCloser, error) {
	if u.reopen--; u.reopen < 0 {
		return nil, &fs.PathError{Op: "open", Path: at, Err: fmt.Errorf("more than %d files are read that are no settings", maxReopened)}
	}
	var text []byte
	_, err := l.each(u.ctx, func(_ *tar.Header, r io.Reader) (err error) {
		if entry--; entry > 0 {
			return nil
		}
		if text, err = limit.ReadAll(r, maxKept, at); err != nil {
			return err
		}
		return errEnough
	})
	if !errors.Is(err, errEnough) {
		return nil, &fs.PathError{Op: "open", Path: at, Err: errors.Join(err, fs.ErrNotExist)}
	}
	return io.NopCloser(bytes.NewReader(text)), nil
}
