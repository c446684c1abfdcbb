package apply

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/capability"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/tree"
)

// specialBits give a file's user or group to who runs it, and a folder's group
// to what is made in it.
const specialBits = tree.SetUID | tree.SetGID

// worldWritable lets everybody write.
const worldWritable = 0o002

// suspects are the names that a walk found for the kinds that look at all of a
// tree. They are looked at again before anything is done: other settings may
// have changed them.
type suspects struct{ bits, writable, devices, attributes, marks, foreign []string }

// suspects walks the tree once.
func (w *work) suspects() (*suspects, error) {
	if w.found != nil {
		return w.found, nil
	}
	s := &suspects{}
	err := new(tree.Walker).Walk(context.Background(), w.tree, "/", func(name string, info tree.Info) error { //nolint:forbidigo // a walk in memory and of one folder, which its process ends
		for _, c := range []struct {
			suspect bool
			list    *[]string
		}{
			{info.Mode&specialBits != 0, &s.bits}, {info.Mode&worldWritable != 0 && !info.IsLink(), &s.writable}, {info.IsDevice(), &s.devices},
			{len(info.Xattrs) > 0, &s.attributes}, {controls.IsImageName(path.Base(name)), &s.marks},
			{controls.MayBeRoots(name) && !info.IsLink() && controls.Foreign(info.UID, info.GID, info.Mode), &s.foreign},
		} {
			if c.suspect {
				*c.list = append(*c.list, name)
			}
		}
		return nil
	})
	w.found = s
	return s, err
}

// each looks at one list of suspects.
func (w *work) each(list func(*suspects) []string, do func(name string, info tree.Info, right controls.Right) error) error {
	found, err := w.suspects()
	if err != nil {
		return err
	}
	for _, name := range list(found) {
		info, err := w.tree.Lstat(name)
		if err == nil {
			err = do(name, info, controls.RightOf(w.o.Rights, name))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (w *work) noSpecialBits(s controls.Setting) error { return w.stripBits(s, tree.Info.IsRegular) }

func (w *work) noSetGIDFolders(s controls.Setting) error { return w.stripBits(s, tree.Info.IsDir) }

func (w *work) stripBits(s controls.Setting, of func(tree.Info) bool) error {
	return w.each(func(s *suspects) []string { return s.bits }, func(name string, info tree.Info, right controls.Right) error {
		if !of(info) || info.Mode&specialBits == 0 || s.Excepted(name) || right.AllowsBits(info.Mode) {
			return nil
		}
		return w.chmod(name, info.Mode&tree.Permissions&^specialBits)
	})
}

func (w *work) noWorldWritable(controls.Setting) error {
	return w.each(func(s *suspects) []string { return s.writable }, func(name string, info tree.Info, _ controls.Right) error {
		mode := info.Mode & tree.Permissions
		switch {
		case mode&worldWritable == 0 || info.IsDevice():
			return nil
		case !info.IsDir():
			return w.chmod(name, mode&^worldWritable)
		case mode&tree.Sticky == 0:
			return w.chmod(name, mode|tree.Sticky)
		}
		return nil
	})
}

func (w *work) noDevices(controls.Setting) error {
	return w.each(func(s *suspects) []string { return s.devices }, func(name string, info tree.Info, _ controls.Right) error {
		if !info.IsDevice() {
			return nil
		}
		if err := w.root.Remove(below(name)); err != nil {
			return err
		}
		return w.stamp(path.Dir(name))
	})
}

func (w *work) noCapabilities(controls.Setting) error {
	return w.each(func(s *suspects) []string { return s.attributes }, func(name string, info tree.Info, right controls.Right) error {
		value, has := info.Xattrs[capability.Attribute]
		if names, ok := capability.OfFile(value); !has || ok && right.AllowsCapabilities(names) {
			return nil
		}
		return w.removeAttributes(name, capability.Attribute)
	})
}

func (w *work) noACLs(s controls.Setting) error {
	return w.each(func(s *suspects) []string { return s.attributes }, func(name string, _ tree.Info, _ controls.Right) error {
		if s.Excepted(name) {
			return nil
		}
		return w.removeAttributes(name, tree.AccessACL, tree.DefaultACL)
	})
}

// rootOwned gives root what it runs or reads, and takes it from groups. The
// kernel takes set-id bits and capabilities off with it.
func (w *work) rootOwned(s controls.Setting) error {
	return w.each(func(s *suspects) []string { return s.foreign }, func(name string, info tree.Info, right controls.Right) error {
		if !s.Covers(name) || right.SetUID || right.SetGID || !controls.Foreign(info.UID, info.GID, info.Mode) {
			return nil
		}
		mode := info.Mode & tree.Permissions &^ specialBits
		if info.GID != 0 {
			mode &^= 0o020
		}
		if err := w.root.Lchown(below(name), 0, int(info.GID)); err != nil {
			return err
		}
		return w.chmod(name, mode)
	})
}

// noImageNames refuses what a runtime would take for a mark of its own: nobody
// but the app can say what is meant.
func (w *work) noImageNames(controls.Setting) error {
	err := w.each(func(s *suspects) []string { return s.marks }, func(name string, _ tree.Info, _ controls.Right) error {
		return wrong("%s: in an image this name hides another file", name)("choose another name")
	})
	if err != nil {
		return err
	}
	return w.each(func(s *suspects) []string { return s.attributes }, func(name string, info tree.Info, _ controls.Right) error {
		for attribute := range info.Xattrs {
			if controls.IsImageAttribute(attribute) {
				if err := w.removeAttributes(name, attribute); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// removeAttributes takes extended attributes off a file or folder.
func (w *work) removeAttributes(name string, attributes ...string) error {
	f, err := w.root.OpenFile(below(name), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, a := range attributes {
		err := unix.Fremovexattr(int(f.Fd()), a)
		if err != nil && !errors.Is(err, unix.ENODATA) && !errors.Is(err, unix.ENOTSUP) {
			return &fs.PathError{Op: "removexattr " + a, Path: name, Err: err}
		}
	}
	return nil
}
