package tree

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Memory is a tree that is put together in memory. The zero value is not
// ready: New makes one.
type Memory struct {
	root      *node
	whiteouts []Whiteout
}

var _ Layered = (*Memory)(nil)

// node is what some names lead to: hard links share one.
type node struct {
	info  Info
	names map[string]*node // of a folder
	open  func() (io.ReadCloser, error)
}

// implied is a folder that nobody described: a layer names only what is in it.
func implied() *node {
	return &node{info: Info{Mode: Folder | 0o755}, names: map[string]*node{}}
}

// New is a tree with nothing in it.
func New() *Memory { return &Memory{root: implied()} }

// find returns what is at a name, nil where there is nothing.
func (m *Memory) find(name string) *node {
	at := m.root
	for _, part := range parts(name) {
		if at = at.names[part]; at == nil { // what is no folder has no names
			return nil
		}
	}
	return at
}

func (m *Memory) get(operation, name string) (*node, error) {
	if err := valid(operation, name); err != nil {
		return nil, err
	}
	if n := m.find(name); n != nil {
		return n, nil
	}
	return nil, &fs.PathError{Op: operation, Path: name, Err: fs.ErrNotExist}
}

// Lstat describes what is at a name.
func (m *Memory) Lstat(name string) (Info, error) {
	n, err := m.get("lstat", name)
	if err != nil {
		return Info{}, err
	}
	return n.info, nil
}

// ReadDir lists a folder, sorted by name.
func (m *Memory) ReadDir(name string) ([]Entry, error) {
	n, err := m.get("readdir", name)
	if err != nil {
		return nil, err
	}
	if n.names == nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a folder")}
	}
	entries := make([]Entry, 0, len(n.names))
	for _, child := range slices.Sorted(maps.Keys(n.names)) {
		entries = append(entries, Entry{child, n.names[child].info})
	}
	return entries, nil
}

// Open opens a regular file.
func (m *Memory) Open(name string) (io.ReadCloser, error) {
	n, err := m.get("open", name)
	if err != nil {
		return nil, err
	}
	if !n.info.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	return n.open()
}

// Whiteouts are the marks that Hide was told of.
func (m *Memory) Whiteouts() []Whiteout { return m.whiteouts }

// Add puts something at a name, in place of what is there; a folder keeps what
// it holds. The folders above are made where they are missing; open gives the
// content of a regular file.
func (m *Memory) Add(name string, info Info, open func() (io.ReadCloser, error)) error {
	if err := valid("add", name); err != nil {
		return err
	}
	if name == "/" {
		if info.IsDir() {
			m.root.info = info
		}
		return nil
	}
	above, err := m.folder(path.Dir(name))
	if err != nil {
		return err
	}
	old := above.names[path.Base(name)]
	n := &node{info: info, open: open}
	if info.IsDir() {
		n.names = map[string]*node{}
		if old != nil && old.names != nil {
			n.names = old.names
		}
	}
	above.names[path.Base(name)] = n
	return nil
}

// Link gives what is at old a second name.
func (m *Memory) Link(old, name string) error {
	n, err := m.get("link", old)
	if err != nil {
		return err
	}
	if err := valid("link", name); err != nil {
		return err
	}
	if n.names != nil || name == "/" {
		return &fs.PathError{Op: "link", Path: name, Err: errors.New("a folder has one name")}
	}
	above, err := m.folder(path.Dir(name))
	if err == nil {
		above.names[path.Base(name)] = n
	}
	return err
}

// folder returns the folder at a name, which it makes where it is missing.
func (m *Memory) folder(name string) (*node, error) {
	at := m.root
	for _, part := range parts(name) {
		next := at.names[part]
		if next == nil {
			next = implied()
			at.names[part] = next
		}
		if next.names == nil {
			return nil, &fs.PathError{Op: "mkdir", Path: name, Err: errors.New("a folder above it is a file or a link")}
		}
		at = next
	}
	return at, nil
}

// Remove takes away what is at a name, with all below it, but for the names
// that spare says; nothing there is no error.
func (m *Memory) Remove(name string, spare func(name string) bool) {
	above := m.find(path.Dir(name))
	if above == nil || above.names == nil || name == "/" {
		return
	}
	n := above.names[path.Base(name)]
	if n == nil {
		return
	}
	n.prune(name, spare)
	if len(n.names) == 0 && !spare(name) {
		delete(above.names, path.Base(name))
	}
}

// Clear takes away what is in a folder, but for the names that spare says.
func (m *Memory) Clear(name string, spare func(name string) bool) {
	if n := m.find(name); n != nil {
		n.prune(name, spare)
	}
}

// prune removes what is in a folder; folders that hold something that is
// spared stay.
func (n *node) prune(at string, spare func(string) bool) {
	for part, child := range n.names {
		name := strings.TrimSuffix(at, "/") + "/" + part
		child.prune(name, spare)
		if len(child.names) == 0 && !spare(name) {
			delete(n.names, part)
		}
	}
}

// Hide notes a mark that hides what is below it.
func (m *Memory) Hide(w Whiteout) { m.whiteouts = append(m.whiteouts, w) }
