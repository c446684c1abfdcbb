package seed

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bakelite/bakelite/distro/debian/deb"
)

// Extract writes a tar stream below dir and nowhere else: os.Root follows no
// link out of it.
func Extract(r io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	in := tar.NewReader(r)
	for {
		h, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = extractOne(root, h, in)
		}
		if err != nil {
			return err
		}
	}
}

func extractOne(root *os.Root, h *tar.Header, body io.Reader) error {
	name := filepath.FromSlash(strings.TrimSuffix(h.Name, "/"))
	perm := fs.FileMode(h.Mode & 0o777)
	switch h.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(name, perm|0o700)
	case tar.TypeSymlink:
		if !deb.Contained(h.Name, h.Linkname) {
			return fmt.Errorf("link %q to %q leaves the tree", h.Name, h.Linkname)
		}
		return root.Symlink(h.Linkname, name)
	case tar.TypeLink:
		return root.Link(filepath.FromSlash(h.Linkname), name)
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm|0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, body); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
