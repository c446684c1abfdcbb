// Package seed makes one tree of the files of some packages, unconfigured, with
// what a system needs before dpkg runs: as a tar stream of the same bytes each
// time, or unpacked into a folder.
package seed

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/distro/debian/deb"
	"github.com/bakelite/bakelite/internal/limit"
)

// maxSeed bounds the unpacked content of one package of the seed, in bytes;
// trixie's largest (libc6, coreutils) have about 20 MB.
const maxSeed = 512 << 20

// node is one entry of a tree of files held in memory.
type node struct {
	header tar.Header
	// body is shared by all hard links of a file.
	body *[]byte
	// from is the package that brought the node.
	from string
}

// Tree holds files, folders and links by their clean relative names.
type Tree map[string]*node

// merged are the folders of the root that are links into /usr on a merged
// system. Bookworm's packages bring some files below the old names.
func merged(name string) string {
	top, rest, below := strings.Cut(name, "/")
	switch top {
	case "bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32":
		if below {
			return "usr/" + top + "/" + rest
		}
		return "usr/" + top
	}
	return name
}

// Read reads a package's files into a tree of their own; from is the package's
// name. A malformed package and one that is too large are errors.
func Read(r io.Reader, from string) (Tree, error) {
	t := Tree{}
	var total int64
	err := deb.Data(r, func(h *tar.Header, body io.Reader) error {
		if h.Typeflag == tar.TypeSymlink && h.Linkname == merged(h.Name) {
			return nil // a link of the merged /usr, which every seed gets
		}
		n := &node{header: normalHeader(h), from: from}
		if h.Typeflag == tar.TypeReg {
			if total += h.Size; total > maxSeed {
				return &limit.Error{What: "the package's content", Bytes: maxSeed}
			}
			content, err := io.ReadAll(body)
			if err != nil {
				return fmt.Errorf("reading %s: %w", h.Name, err)
			}
			n.body = &content
		}
		return t.add(n)
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// normalHeader keeps what the layer says of an entry: nothing of users' names,
// of times below a second or of extended attributes.
func normalHeader(h *tar.Header) tar.Header {
	p := tar.Header{
		Typeflag: h.Typeflag, Name: merged(h.Name), Mode: h.Mode & 0o7777,
		Uid: h.Uid, Gid: h.Gid, ModTime: time.Unix(h.ModTime.Unix(), 0).UTC(), Format: tar.FormatPAX,
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		p.Linkname = h.Linkname
	case tar.TypeLink:
		p.Linkname = merged(h.Linkname)
	}
	return p
}

// add puts a node in. A folder may come more than once, and the first one
// stays; anything else that is there already is refused, unless it is the
// same file again.
func (t Tree) add(n *node) error {
	name := n.header.Name
	if n.header.Typeflag == tar.TypeLink {
		target := t[n.header.Linkname]
		if target == nil || target.body == nil {
			return fmt.Errorf("hard link %q to %q: no such file is in the package", name, n.header.Linkname)
		}
		n.header, n.body = target.header, target.body
		n.header.Name = name
	}
	old := t[name]
	switch {
	case old == nil:
		t[name] = n
		return nil
	case old.header.Typeflag == tar.TypeDir && n.header.Typeflag == tar.TypeDir:
		return nil
	case old.same(n):
		return nil
	}
	return fmt.Errorf("%q is in the package %s and again, with other content, in %s", name, old.from, n.from)
}

func (n *node) same(other *node) bool {
	if n.header.Typeflag != other.header.Typeflag || n.header.Linkname != other.header.Linkname {
		return false
	}
	return n.body == other.body || n.body != nil && other.body != nil && bytes.Equal(*n.body, *other.body)
}

// addAll merges another tree in. The order of calls decides which folder's
// mode counts, so it must be a fixed one.
func (t Tree) addAll(other Tree) error {
	for _, name := range slices.Sorted(maps.Keys(other)) {
		if err := t.add(other[name]); err != nil {
			return err
		}
	}
	return nil
}

// complete adds the folders that no package brings, with the newest time in
// the tree, and refuses a node below something that is no folder.
func (t Tree) complete() error {
	newest := t.newest()
	for _, name := range slices.Sorted(maps.Keys(t)) {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			parent := t[dir]
			if parent == nil {
				t[dir] = &node{header: tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: newest, Format: tar.FormatPAX}}
				continue
			}
			if parent.header.Typeflag != tar.TypeDir {
				return fmt.Errorf("%q stands below %q, which is no folder", name, dir)
			}
		}
	}
	return nil
}

func (t Tree) newest() time.Time {
	newest := time.Unix(0, 0).UTC()
	for _, n := range t {
		if n.header.ModTime.After(newest) {
			newest = n.header.ModTime
		}
	}
	return newest
}

// Write writes the tree as a tar stream, sorted by name. The first of several
// hard links carries the content.
func (t Tree) Write(w io.Writer) error {
	out := tar.NewWriter(w)
	first := map[*[]byte]string{}
	for _, name := range slices.Sorted(maps.Keys(t)) {
		n := t[name]
		h := n.header
		content := []byte(nil)
		switch original, seen := first[n.body]; {
		case n.body == nil:
		case seen:
			h.Typeflag, h.Linkname = tar.TypeLink, original
		default:
			first[n.body] = name
			content = *n.body
			h.Size = int64(len(content))
		}
		if h.Typeflag == tar.TypeDir {
			h.Name += "/"
		}
		if err := out.WriteHeader(&h); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		if _, err := out.Write(content); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return out.Close()
}
