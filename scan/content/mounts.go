package content

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/bakelite/bakelite/internal/disk/inodes"
	"github.com/bakelite/bakelite/scan/tree"
)

// mounts are file systems where they are mounted in each other, as a tree.
type mounts []part

var _ tree.Tree = mounts(nil)

func mounted(parts []part) tree.Tree { return mounts(parts) }

// at finds the file system that a name lies in, and its name there.
func (m mounts) at(name string) (part, string) {
	relative := strings.TrimPrefix(path.Clean(name), "/")
	if relative == "" {
		relative = "."
	}
	var root part
	for _, p := range m {
		if p.at == "." {
			root = p
			continue
		}
		if relative == p.at {
			return p, "."
		}
		if below, ok := strings.CutPrefix(relative, p.at+"/"); ok {
			return p, below
		}
	}
	return root, relative
}

// Lstat describes what is at a name.
func (m mounts) Lstat(name string) (tree.Info, error) {
	p, at := m.at(name)
	stat, err := fs.Lstat(p.fsys, at)
	if err != nil {
		return tree.Info{}, err
	}
	return infoOf(stat), nil
}

// ReadDir lists a folder; what is mounted on one of its names is what is seen
// there.
func (m mounts) ReadDir(name string) ([]tree.Entry, error) {
	p, at := m.at(name)
	raw, err := fs.ReadDir(p.fsys, at) // sorted
	if err != nil {
		return nil, err
	}
	entries := make([]tree.Entry, len(raw))
	for i, e := range raw {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if to, below := m.at(path.Join(name, e.Name())); below == "." && to.at != p.at {
			if info, err = fs.Lstat(to.fsys, "."); err != nil {
				return nil, err
			}
		}
		entries[i] = tree.Entry{Name: e.Name(), Info: infoOf(info)}
	}
	return entries, nil
}

// Open opens a regular file.
func (m mounts) Open(name string) (io.ReadCloser, error) {
	info, err := m.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	p, at := m.at(name)
	return p.fsys.Open(at)
}

// infoOf puts what a file system says into the words of trees.
func infoOf(stat fs.FileInfo) tree.Info {
	info := tree.Info{Mode: modeOf(stat.Mode()), Size: stat.Size()}
	if of, ok := stat.Sys().(*inodes.Stat); ok {
		info.UID, info.GID, info.Major, info.Minor, info.Target, info.Xattrs = of.UID, of.GID, of.Major, of.Minor, of.Target, of.Xattrs
	}
	return info
}

// modeOf is a mode of Go in Linux's words.
func modeOf(mode fs.FileMode) uint32 {
	all := uint32(mode.Perm())
	for flag, bit := range map[fs.FileMode]uint32{fs.ModeSetuid: tree.SetUID, fs.ModeSetgid: tree.SetGID, fs.ModeSticky: tree.Sticky} {
		if mode&flag != 0 {
			all |= bit
		}
	}
	return all | map[fs.FileMode]uint32{
		0: tree.Regular, fs.ModeDir: tree.Folder, fs.ModeSymlink: tree.Link, fs.ModeNamedPipe: tree.Pipe, fs.ModeSocket: tree.Socket,
		fs.ModeDevice: tree.Block, fs.ModeDevice | fs.ModeCharDevice: tree.Character,
	}[mode.Type()]
}
