package apply

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/tree"
)

// maxText bounds a file that is rewritten, in bytes.
const maxText = 16 << 20

func octal(text string) (uint32, error) {
	mode, err := strconv.ParseUint(text, 8, 16)
	return uint32(mode), err
}

func (w *work) chmod(name string, mode uint32) error {
	return w.root.Chmod(below(name), tree.Info{Mode: mode}.FileMode())
}

// stamp dates what was written.
func (w *work) stamp(names ...string) error {
	if w.o.Date.IsZero() {
		return nil
	}
	for _, name := range names {
		if err := w.root.Chtimes(below(name), w.o.Date, w.o.Date); err != nil {
			return err
		}
	}
	return nil
}

// folder makes a folder, and those above it, where they are missing.
func (w *work) folder(name string) error {
	if name == "/" {
		return nil
	}
	if info, err := w.tree.Lstat(name); err == nil && info.IsDir() {
		return nil
	}
	if err := w.folder(path.Dir(name)); err != nil {
		return err
	}
	if err := w.root.Mkdir(below(name), 0o755); err != nil {
		return err
	}
	if err := w.chmod(name, 0o755); err != nil { // whatever the umask is
		return err
	}
	return w.stamp(name, path.Dir(name))
}

// fill has a path hold a text, with a mode and an owner. What is there is
// replaced, not written to: it may have other names, or be a link.
func (w *work) fill(name string, mode uint32, uid, gid int, text []byte) error {
	if err := w.guard(name); err != nil {
		return err
	}
	if err := w.folder(path.Dir(name)); err != nil {
		return err
	}
	info, err := w.tree.Lstat(name)
	switch {
	case err == nil && info.IsDir():
		return wrong("%s is a folder", name)("remove it")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if same, err := w.holds(name, info, text); err != nil {
		return err
	} else if !same {
		return w.replace(name, mode, uid, gid, text)
	}
	if info.Mode&tree.Permissions == mode && int(info.UID) == uid && int(info.GID) == gid {
		return nil
	}
	return errors.Join(w.root.Lchown(below(name), uid, gid), w.chmod(name, mode))
}

// holds says whether a path, of which nothing is known where it is not there,
// is a file with a text.
func (w *work) holds(name string, info tree.Info, text []byte) (bool, error) {
	if !info.IsRegular() || info.Size != int64(len(text)) {
		return false, nil
	}
	now, err := tree.ReadFile(w.tree, name, maxText)
	return bytes.Equal(now, text), err
}

// replace writes beside a path and renames.
func (w *work) replace(name string, mode uint32, uid, gid int, text []byte) error {
	beside := path.Join(path.Dir(name), ".bakelite-new")
	if err := w.root.RemoveAll(below(beside)); err != nil {
		return err
	}
	f, err := w.root.OpenFile(below(beside), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	// The owner before the mode: a change of owner clears bits.
	if err := errors.Join(err, f.Chown(uid, gid), f.Chmod(tree.Info{Mode: mode}.FileMode()), f.Close()); err != nil {
		return err
	}
	if err := w.root.Rename(below(beside), below(name)); err != nil {
		return err
	}
	return w.stamp(name, path.Dir(name))
}

// rewrite changes a file's text, and keeps its mode and owner.
func (w *work) rewrite(name string, change func(lines []string) []string) error {
	info, err := w.tree.Lstat(name)
	if err != nil {
		return err
	}
	text, err := tree.ReadFile(w.tree, name, maxText)
	if err != nil {
		return err
	}
	var lines []string
	if len(text) > 0 {
		lines = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	}
	if lines = change(lines); len(lines) > 0 {
		lines = append(lines, "")
	}
	return w.fill(name, info.Mode&tree.Permissions, int(info.UID), int(info.GID), []byte(strings.Join(lines, "\n")))
}

// isRegular says whether a path is a file; a link is a mistake.
func (w *work) isRegular(name string) (bool, error) {
	if err := w.guard(name); err != nil {
		return false, err
	}
	info, err := w.tree.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case info.IsLink():
		return false, wrong("%s is a link", name)("put a file there")
	}
	return info.IsRegular(), nil
}

func (w *work) file(s controls.Setting) error {
	mode, err := octal(s.Mode)
	if err != nil {
		return err
	}
	return w.fill(s.Path, mode, 0, 0, []byte(s.Content))
}

// absent removes what is at the paths; the last part of each may be a pattern.
func (w *work) absent(s controls.Setting) error {
	for _, p := range s.Paths {
		if err := w.guard(p); err != nil {
			return err
		}
		if err := w.drop(path.Dir(p), path.Base(p)); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) drop(dir, pattern string) error {
	entries, err := w.tree.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	gone := false
	for _, e := range entries {
		if !controls.MatchesName(pattern, e.Name) {
			continue
		}
		if err := w.root.RemoveAll(below(path.Join(dir, e.Name))); err != nil {
			return err
		}
		gone = true
	}
	if !gone {
		return nil
	}
	return w.stamp(dir)
}

// mode gives what is at the paths an owner, and takes bits off its mode.
func (w *work) mode(s controls.Setting) error {
	most, err := octal(s.Mode)
	if err != nil {
		return err
	}
	var uid, gid int
	if _, err := fmt.Sscanf(s.Owner, "%d:%d", &uid, &gid); err != nil {
		return err
	}
	for _, name := range s.Paths {
		if err := w.guard(name); err != nil {
			return err
		}
		if err := w.limit(name, most, uid, gid); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (w *work) limit(name string, most uint32, uid, gid int) error {
	info, err := w.tree.Lstat(name)
	if err != nil {
		return err
	}
	if info.IsLink() {
		return wrong("%s is a link", name)("put a file or a folder there")
	}
	if int(info.UID) != uid || int(info.GID) != gid {
		if err := w.root.Lchown(below(name), uid, gid); err != nil {
			return err
		}
	}
	if now := info.Mode & tree.Permissions; now&most != now {
		return w.chmod(name, now&most)
	}
	return nil
}
