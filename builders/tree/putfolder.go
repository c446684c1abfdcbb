package tree

import (
	"errors"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// copyFolder copies what is in a folder of the app's into one of the tree,
// which it makes where there is none. Links stay links.
func (p putting) copyFolder(source, at string) error {
	info, err := p.tree.Lstat(at)
	if err != nil {
		return err
	}
	if info != nil && !info.IsDir() {
		return mistake(p.Key+".to", "name a folder", "%s is a file, not a folder", p.To)
	}
	if err := p.tree.MkdirAll(at); err != nil {
		return err
	}
	if err := p.clash(source, at); err != nil {
		return err
	}
	a, err := p.attributes(0)
	if err != nil {
		return err
	}
	a.Mode = p.folderMode()
	return p.files.Below(source, func(e *treefs.Entry, _ *unix.Stat_t) error {
		to := path.Join(at, strings.TrimPrefix(e.Path, source+"/"))
		switch e.Type() {
		case unix.S_IFDIR:
			if err := p.allowed(to); err != nil {
				return err
			}
			if err := p.tree.MkdirAll(to); err != nil {
				return err
			}
			return p.tree.Set(to, a)
		case unix.S_IFLNK:
			return p.copyLink(e.Path, to, a)
		}
		return p.copyNamed(e, to)
	})
}

// clash refuses what is a folder in only one of the tree and the copied
// folder: neither can take the other's place.
func (p putting) clash(source, at string) error {
	return p.files.Below(source, func(e *treefs.Entry, _ *unix.Stat_t) error {
		name := strings.TrimPrefix(e.Path, source+"/")
		info, err := p.tree.Lstat(path.Join(at, name))
		if err != nil || info == nil {
			return err
		}
		if info.IsDir() != e.IsDir() {
			return mistake(p.Key+".to", "copy that part by an entry of its own, to where it belongs",
				"only one of the image and the copied folder has a folder at %s, the other a file or link", treefs.Show(path.Join(p.To, name)))
		}
		return nil
	})
}

func (p putting) copyLink(source, to string, a treefs.Attributes) error {
	if err := errors.Join(p.allowed(to), p.alters(to)); err != nil {
		return err
	}
	target, err := p.files.Root().Readlink(source)
	if err != nil {
		return err
	}
	if err := p.tree.Remove(to); err != nil {
		return err
	}
	if err := p.tree.Symlink(target, to); err != nil {
		return err
	}
	return p.tree.Lchown(to, a)
}

// copyNamed copies a file once, however many names it has in the folder.
func (p putting) copyNamed(e *treefs.Entry, to string) error {
	first, known := p.names[e.Stat.Ino]
	if !known {
		if e.Stat.Nlink > 1 {
			p.names[e.Stat.Ino] = to
		}
		return p.copyFile(e.Path, to)
	}
	if err := p.free(to); err != nil {
		return err
	}
	if err := p.tree.Remove(to); err != nil {
		return err
	}
	return p.tree.Link(first, to)
}
