package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// CheckFiles returns every problem with the files that a names: each must
// exist in the app file's folder, also after symbolic links are followed, and
// hold only regular files, folders and links that stay inside. A base image's
// layout folder alone may stand elsewhere.
func CheckFiles(a App) Problems {
	c := &checker{}
	root, err := os.OpenRoot(a.Dir)
	if err != nil {
		c.add("", "opening the app's folder: %v", err)
		return c.problems
	}
	defer root.Close()
	if path := a.Base.Dockerfile; path != "" {
		c.regular(root, "base.dockerfile", path)
	}
	if path, ok := strings.CutPrefix(a.Base.Image, LayoutPrefix); ok && path != "" {
		c.layout(root, "base.image", path)
	}
	w := &walker{root: root}
	for i, f := range a.Files {
		if f.From != "" {
			c.report(item("files", i)+".from", w.walk(f.From))
		}
	}
	c.twice(root, a.Files)
	return c.problems
}

// twice reports files of which another entry would leave nothing. A file over
// one of a folder is none of them.
func (c *checker) twice(root *os.Root, files []File) {
	first := map[string]int{}
	for i, f := range files {
		if f.From != "" {
			info, err := statInside(root, f.From)
			if err != nil || !info.Mode().IsRegular() {
				continue
			}
		}
		j, taken := first[f.To]
		if taken && (f.From == "" || files[j].From == "" || path.Base(files[j].From) == path.Base(f.From)) {
			c.add(item("files", i)+".to", "files[%d] puts a file at %s too; leave one of them out", j, f.To)
		}
		first[f.To] = i
	}
}

// report adds a file's error as a problem.
func (c *checker) report(key string, err error) {
	if err != nil {
		c.add(key, "%v", err)
	}
}

func (c *checker) regular(root *os.Root, key, path string) {
	info, err := statInside(root, path)
	if err == nil {
		err = checkPattern(path)
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	c.report(key, err)
}

// layout judges a base image's folder. One that is not there yet may be what
// another app makes: the lock asks for it.
func (c *checker) layout(root *os.Root, key, path string) {
	marker := filepath.Join(path, "oci-layout")
	stat := root.Stat
	if filepath.IsAbs(path) {
		stat = os.Stat
	}
	if _, err := stat(path); errors.Is(err, fs.ErrNotExist) {
		return
	}
	if filepath.IsAbs(path) {
		if _, err := os.Stat(marker); err != nil {
			c.add(key, "%s is not an OCI layout folder: it has no file oci-layout", path)
		}
		return
	}
	if _, err := statInside(root, path); err != nil {
		c.report(key, err)
		return
	}
	if _, err := root.Stat(marker); err != nil {
		c.add(key, "%s is not an OCI layout folder: it has no file oci-layout", path)
	}
}

// statInside follows links, but never out of root. Its errors are whole
// sentences about path.
func statInside(root *os.Root, path string) (fs.FileInfo, error) {
	if filepath.IsAbs(path) {
		return nil, fmt.Errorf("%s is absolute; name a path below the app file's folder", path)
	}
	if !filepath.IsLocal(path) {
		return nil, fmt.Errorf("%s leads out of the app file's folder with ..; move the file below it", path)
	}
	info, err := root.Stat(path)
	if err != nil {
		return nil, explain(path, err)
	}
	return info, nil
}

// checkPattern refuses a name that the engine would read as a pattern.
func checkPattern(path string) error {
	if strings.ContainsAny(path, `*?[\`) {
		return fmt.Errorf(`%s holds one of * ? [ \, which the engine takes for a pattern; rename it`, path)
	}
	return nil
}

// explain turns an error of os.Root into a sentence. An escape is the one
// error of os.Root that no system call returned.
func explain(path string, err error) error {
	var errno syscall.Errno
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist", path)
	case errors.Is(err, syscall.ELOOP):
		return fmt.Errorf("%s is a symbolic link that leads back to itself", path)
	case errors.As(err, &errno):
		return fmt.Errorf("%s cannot be read: %w", path, errno)
	default:
		return fmt.Errorf("%s is a symbolic link that leads out of the app file's folder", path)
	}
}
