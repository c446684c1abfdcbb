package tree

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// maxLinks is how many links the kernel follows in one path (path_resolution(7)).
const maxLinks = 40

// Errors of Real.
var (
	// ErrClimbs says that a link leads above the root of the tree.
	ErrClimbs = errors.New("it leads above the root of the tree")
	// ErrLoops says that there are more links than the kernel follows.
	ErrLoops = errors.New("too many links")
)

// Inside says whether no folder on the way to a name is a link, or not a
// folder. A folder that is missing is neither.
func Inside(t Tree, name string) (bool, error) {
	on := "/"
	for _, part := range parts(path.Dir(name)) {
		on = path.Join(on, part)
		info, err := t.Lstat(on)
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		if err != nil || !info.IsDir() {
			return false, err
		}
	}
	return true, nil
}

// Real returns the name that a name leads to: links are followed with the
// tree's root as theirs. What does not exist at the end is no error of it.
func Real(t Tree, name string) (string, error) {
	real, _, err := Follow(t, name)
	return real, err
}

// Chroot is Real for a process whose root the tree is: what is above the root
// is the root.
func Chroot(t Tree, name string) (string, error) {
	real, _, err := resolve(t, name, true)
	return real, err
}

// Follow is Real, and says whether a link on the way was absolute: such a one
// leads elsewhere for who does not take the tree's root for the root.
func Follow(t Tree, name string) (real string, absolute bool, err error) {
	return resolve(t, name, false)
}

func resolve(t Tree, name string, clamp bool) (real string, absolute bool, err error) {
	at, rest := "/", parts(name)
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if at == "/" && !clamp {
				return "", absolute, &fs.PathError{Op: "follow", Path: name, Err: ErrClimbs}
			}
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		info, err := t.Lstat(next)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", absolute, err
		}
		if err != nil || !info.IsLink() {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", absolute, &fs.PathError{Op: "follow", Path: name, Err: ErrLoops}
		}
		if strings.HasPrefix(info.Target, "/") {
			at, absolute = "/", true
		}
		rest = append(strings.Split(info.Target, "/"), rest...)
	}
	return at, absolute, nil
}

// IsFile says whether a process whose root the tree is finds a regular file at
// a name.
func IsFile(t Tree, name string) bool {
	real, err := Chroot(t, name)
	if err != nil {
		return false
	}
	info, err := t.Lstat(real)
	return err == nil && info.IsRegular()
}
