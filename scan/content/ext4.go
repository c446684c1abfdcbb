package content

import (
	"io"
	"io/fs"
	"path"

	"github.com/diskfs/go-diskfs/filesystem/ext4"
)

// openExt4 opens a file system whose folders tell permissions too: go-diskfs
// lists the type of a file alone, and what may not be executed is no program
// to the analysers.
func openExt4(r *io.SectionReader) (fs.FS, error) {
	fsys, err := ext4.Read(storage{r}, r.Size(), 0, sector)
	if err != nil {
		return nil, err
	}
	return ext4Tree{fsys}, ext4Fits(r)
}

type ext4Tree struct{ *ext4.FileSystem }

func (t ext4Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := t.FileSystem.ReadDir(name)
	for i, e := range entries {
		entries[i] = ext4Entry{e, t, path.Join(name, e.Name())}
	}
	return entries, err
}

type ext4Entry struct {
	fs.DirEntry
	tree ext4Tree
	path string
}

func (e ext4Entry) Info() (fs.FileInfo, error) { return e.tree.Stat(e.path) }
