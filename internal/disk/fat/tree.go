package fat

import (
	"io/fs"
	"math"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

// MaxFiles is the largest number of files, so that a folder stays below the
// 2 MiB that FAT allows it even where all names are long.
const MaxFiles = 2048

// node is a folder or a file.
type node struct {
	name     string
	short    shortName
	dir      bool
	content  disk.Content // of a file
	parent   *node        // nil for the root
	children []*node      // by name
	first    int64        // cluster
	count    int64        // clusters
}

func newTree(files []File) (*node, error) {
	if len(files) > MaxFiles {
		return nil, fault.New(fault.Invalid, "%d files are more than %d", len(files), MaxFiles)
	}
	root := &node{dir: true}
	for _, f := range files {
		if err := root.add(f); err != nil {
			return nil, err
		}
	}
	var err error
	root.walk(func(n *node) {
		slices.SortFunc(n.children, func(a, b *node) int { return strings.Compare(a.name, b.name) })
		if e := nameChildren(n.children); e != nil {
			err = e
		}
	})
	return root, err
}

func (n *node) add(f File) error {
	if !fs.ValidPath(f.Path) || f.Path == "." {
		return fault.New(fault.Invalid, "%q is no path below a root", f.Path)
	}
	if f.Content == nil || f.Content.Size() > math.MaxUint32 {
		return fault.New(fault.Invalid, "%s: no content, or 4 GiB and more, which no FAT file can hold", f.Path)
	}
	parts := strings.Split(f.Path, "/")
	for i, name := range parts {
		child, err := n.child(name)
		last := i == len(parts)-1
		switch {
		case err != nil:
			return err
		case child == nil:
			child = &node{name: name, dir: !last, parent: n}
			n.children = append(n.children, child)
		case last || !child.dir:
			return fault.New(fault.Invalid, "%s: the path is taken twice", f.Path)
		}
		n = child
	}
	n.content = f.Content
	return nil
}

// child returns the child of that name, or nil; FAT's names ignore case.
func (n *node) child(name string) (*node, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	for _, c := range n.children {
		if c.name == name {
			return c, nil
		}
		if strings.EqualFold(c.name, name) {
			return nil, fault.New(fault.Invalid, "%s and %s are one name to FAT", c.name, name)
		}
	}
	return nil, nil
}

// walk calls visit for n and all below it, folders before their content.
func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, c := range n.children {
		c.walk(visit)
	}
}

// allocate gives every node below n its clusters, in order, from next on, and
// returns the first that is free.
func (n *node) allocate(cluster, next int64) int64 {
	n.walk(func(n *node) {
		n.count = ceil(n.bytes(), cluster)
		n.first = 0
		if n.count > 0 {
			n.first = next
		}
		next += n.count
	})
	return next
}

func (n *node) bytes() int64 {
	if n.dir {
		return max(int64(n.entryCount())*entrySize, 1)
	}
	return n.content.Size()
}
