package squashfs

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/bakelite/bakelite/internal/fault"
)

// File is what Write puts into a file system; a nil Content is a folder.
type File struct {
	// Path is one of io/fs's form.
	Path    string
	Mode    uint16 // permissions
	Content []byte
}

const (
	writtenBlock = 128 << 10
	writtenLog   = 17
	// unit is what the file system's size is a multiple of, in bytes.
	unit = 4096
)

// Write makes a file system of a few files, which belong to root and are not
// compressed. The same files give the same bytes. Its errors, of kind Invalid,
// are paths that make no sense, and more files than one block of metadata
// describes: some hundred.
func Write(files []File) ([]byte, error) {
	w := &writer{nodes: map[string]*written{".": {mode: 0o755, names: map[string]*written{}}}}
	for _, f := range files {
		if err := w.add(f); err != nil {
			return nil, err
		}
	}
	w.out.Write(make([]byte, superSize))
	root := w.nodes["."]
	w.number(root)
	w.put(root, root.number)
	if w.inodes.Len() > metadataSize || w.lists.Len() > metadataSize {
		return nil, fault.New(fault.Invalid, "%d files are too many for a squashfs of ours", len(files))
	}
	return w.finish(root), nil
}

// written is a file or folder that is to be written.
type written struct {
	mode   uint16
	data   []byte
	names  map[string]*written // of a folder
	number uint32
	at     uint16 // of its inode
}

type writer struct {
	nodes              map[string]*written
	count              uint32
	out, inodes, lists bytes.Buffer
}

func (w *writer) add(f File) error {
	above := w.nodes[path.Dir(f.Path)]
	if !fs.ValidPath(f.Path) || above == nil || above.names == nil || w.nodes[f.Path] != nil || len(path.Base(f.Path)) > maxName {
		return fault.New(fault.Invalid, "%q is no new name in a folder that was named before", f.Path)
	}
	n := &written{mode: f.Mode, data: f.Content}
	if f.Content == nil {
		n.names = map[string]*written{}
	}
	above.names[path.Base(f.Path)], w.nodes[f.Path] = n, n
	return nil
}

// number counts inodes from the root on.
func (w *writer) number(n *written) {
	w.count++
	n.number = w.count
	for _, name := range slices.Sorted(maps.Keys(n.names)) {
		w.number(n.names[name])
	}
}

// put writes what is in a folder before the folder itself.
func (w *writer) put(n *written, parent uint32) {
	for _, name := range slices.Sorted(maps.Keys(n.names)) {
		w.put(n.names[name], n.number)
	}
	if n.names == nil {
		w.file(n)
		return
	}
	at := uint16(w.lists.Len())
	size := w.list(n)
	n.at = uint16(w.inodes.Len())
	w.head(folderKind, n)
	write(&w.inodes, struct {
		Block, Links uint32
		Size, Offset uint16
		Parent       uint32
	}{0, 2, size + dots, at, parent})
}

func (w *writer) head(kind uint16, n *written) {
	write(&w.inodes, struct {
		Kind, Mode, UID, GID uint16
		Modified, Number     uint32
	}{kind, n.mode, 0, 0, 0, n.number})
}

func (w *writer) file(n *written) {
	n.at = uint16(w.inodes.Len())
	start := uint32(w.out.Len())
	w.head(fileKind, n)
	write(&w.inodes, struct{ Blocks, Fragment, Offset, Size uint32 }{start, none, 0, uint32(len(n.data))})
	for block := range slices.Chunk(n.data, writtenBlock) {
		write(&w.inodes, uint32(len(block))|plainData)
		w.out.Write(block)
	}
}

// list writes the names of a folder, and returns its size in bytes.
func (w *writer) list(n *written) uint16 {
	before := w.lists.Len()
	if len(n.names) > 0 {
		write(&w.lists, struct{ Count, Block, Number uint32 }{uint32(len(n.names)) - 1, 0, n.number})
	}
	for _, name := range slices.Sorted(maps.Keys(n.names)) {
		child, kind := n.names[name], uint16(fileKind)
		if child.names != nil {
			kind = folderKind
		}
		write(&w.lists, struct {
			Offset uint16
			Delta  int16
			Kind   uint16
			Size   uint16
		}{child.at, int16(child.number - n.number), kind, uint16(len(name)) - 1})
		w.lists.WriteString(name)
	}
	return uint16(w.lists.Len() - before)
}

// finish writes the tables, and over the first bytes the superblock.
func (w *writer) finish(root *written) []byte {
	s := super{
		Magic: magic, Inodes: w.count, BlockSize: writtenBlock, Compression: gzipBlocks, BlockLog: writtenLog, IDs: 1, Major: 4,
		Root: uint64(root.at), XattrTable: noTable, FragmentTable: noTable, ExportTable: noTable,
	}
	s.InodeTable = w.metadata(w.inodes.Bytes())
	s.DirTable = w.metadata(w.lists.Bytes())
	ids := w.metadata(make([]byte, 4))
	s.IDTable = uint64(w.out.Len())
	write(&w.out, ids)
	s.Used = uint64(w.out.Len())
	w.out.Write(make([]byte, -w.out.Len()&(unit-1)))
	var head bytes.Buffer
	write(&head, s)
	copy(w.out.Bytes(), head.Bytes())
	return w.out.Bytes()
}

func (w *writer) metadata(data []byte) uint64 {
	at := uint64(w.out.Len())
	if len(data) > 0 {
		write(&w.out, uint16(len(data))|stored)
		w.out.Write(data)
	}
	return at
}

// write appends numbers; a buffer takes all.
func write(to *bytes.Buffer, value any) { _ = binary.Write(to, binary.LittleEndian, value) }
