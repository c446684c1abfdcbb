package deb

import (
	"archive/tar"
	"fmt"
	"io"
	"path"
	"strings"
)

func entries(t *tar.Reader, fn func(*tar.Header, io.Reader) error) error {
	for n := 0; ; n++ {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a tar header: %w", err)
		}
		if n == MaxEntries {
			return fmt.Errorf("it holds more than %d entries", MaxEntries)
		}
		if err := clean(h); err != nil {
			return err
		}
		if h.Name == "." {
			continue
		}
		if err := fn(h, t); err != nil {
			return err
		}
	}
}

// clean makes the names relative and refuses what could reach out of the tree.
func clean(h *tar.Header) (err error) {
	name := h.Name
	if h.Name, err = inside(name); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return nil
	case tar.TypeReg:
	case tar.TypeLink:
		if h.Linkname, err = inside(h.Linkname); err != nil {
			return fmt.Errorf("hard link %q: %w", name, err)
		}
	case tar.TypeSymlink:
		if !Contained(h.Name, h.Linkname) {
			return fmt.Errorf("link %q to %q leaves the tree", name, h.Linkname)
		}
	default:
		return fmt.Errorf("entry %q is of the type %q, which no package may hold", name, h.Typeflag)
	}
	if h.Name == "." {
		return fmt.Errorf("entry %q is not a folder", name)
	}
	return nil
}

// inside returns the clean relative form of an entry's name.
func inside(name string) (string, error) {
	relative := strings.TrimPrefix(name, "./")
	if name == "" || strings.HasPrefix(relative, "/") || strings.ContainsRune(name, 0) {
		return "", fmt.Errorf("name %q is not relative", name)
	}
	for part := range strings.SplitSeq(relative, "/") {
		if part == ".." {
			return "", fmt.Errorf("name %q leaves the tree", name)
		}
	}
	return path.Clean(relative), nil
}

// Contained says whether a symbolic link at name (clean, relative) with that
// target stays in the tree. An absolute target is read from the tree's root.
func Contained(name, target string) bool {
	if target == "" || strings.ContainsRune(target, 0) {
		return false
	}
	if strings.HasPrefix(target, "/") {
		name, target = "", strings.TrimLeft(target, "/")
	}
	depth := strings.Count(name, "/")
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return false
		}
	}
	return true
}
