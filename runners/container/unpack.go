package container

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	securejoin "github.com/cyphar/filepath-securejoin"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

const (
	// bytesLimit bounds all layers of an image, unpacked.
	bytesLimit = 16 << 30
	// entriesLimit bounds the files of all layers.
	entriesLimit = 2 << 20
	// nameLimit is the kernel's PATH_MAX.
	nameLimit = 4096

	// The marks of the OCI image spec's layers.
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// unpacker applies layers to a folder. Names are resolved twice: links count
// from the folder as its root (securejoin), and nothing is touched but
// through an os.Root.
type unpacker struct {
	folder  string
	root    *os.Root
	bytes   int64
	entries int
	// owners is false where files keep the caller's ownership.
	owners bool
	// content is what is left of bytesLimit for the files themselves: a sparse
	// file is larger than its bytes in the layer.
	content int64
	// fresh are the paths of the current layer, which a whiteout spares, and
	// above are the folders that hold one.
	fresh, above map[string]bool
}

func newUnpacker(folder string) (*unpacker, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	return &unpacker{folder: folder, root: root, bytes: bytesLimit, content: bytesLimit, entries: entriesLimit, owners: os.Geteuid() == 0}, nil
}

// Close releases the folder.
func (u *unpacker) Close() error { return u.root.Close() }

// bounded counts a layer's bytes against the image's limit.
func (u *unpacker) bounded(r io.Reader) io.Reader {
	return &counter{limit.Reader(r, u.bytes, "the unpacked image"), &u.bytes}
}

type counter struct {
	r    io.Reader
	left *int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.left -= int64(n)
	return n, err
}

func (u *unpacker) apply(r io.Reader) error {
	u.fresh, u.above = map[string]bool{}, map[string]bool{}
	folders := map[string]time.Time{}
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if u.entries--; u.entries < 0 {
			return fault.New(fault.Integrity, "the image holds more than %d files", entriesLimit)
		}
		if err := u.entry(h, in, folders); err != nil {
			return fmt.Errorf("%q: %w", h.Name, err)
		}
	}
	for name, when := range folders {
		if err := u.root.Chtimes(name, when, when); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (u *unpacker) entry(h *tar.Header, in io.Reader, folders map[string]time.Time) error {
	name, err := u.resolve(h.Name)
	if err != nil || name == "." && h.Typeflag != tar.TypeDir {
		return err
	}
	base := filepath.Base(name)
	switch {
	case base == opaque:
		return u.clear(filepath.Dir(name))
	case strings.HasPrefix(base, whiteout):
		return u.remove(filepath.Join(filepath.Dir(name), strings.TrimPrefix(base, whiteout)))
	}
	u.mark(name)
	if err := u.make(name, h, in); err != nil {
		return err
	}
	if h.Typeflag == tar.TypeDir {
		folders[name] = h.ModTime
	}
	return nil
}

func (u *unpacker) mark(name string) {
	u.fresh[name] = true
	for dir := filepath.Dir(name); !u.above[dir]; dir = filepath.Dir(dir) {
		u.above[dir] = true
	}
}

// resolve returns the name's place below the folder: its parent with links
// followed inside the folder, its last part as it is.
func (u *unpacker) resolve(name string) (string, error) {
	if len(name) > nameLimit || strings.ContainsRune(name, 0) {
		return "", errors.New("the name is too long or holds NUL")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", errors.New("the name leaves the image")
		}
	}
	clean := path.Clean("/" + name)
	parent, err := securejoin.SecureJoin(u.folder, path.Dir(clean))
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(u.folder, filepath.Join(parent, path.Base(clean)))
	if err != nil || !filepath.IsLocal(rel) {
		return "", errors.New("the name leaves the image")
	}
	return rel, nil
}

func (u *unpacker) make(name string, h *tar.Header, in io.Reader) error {
	if err := u.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := u.room(name, h.Typeflag); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		if err := u.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	case tar.TypeReg:
		if err := u.write(name, in); err != nil {
			return err
		}
	case tar.TypeSymlink:
		if err := u.root.Symlink(h.Linkname, name); err != nil {
			return err
		}
	case tar.TypeLink:
		target, err := u.resolve(h.Linkname)
		if err != nil {
			return err
		}
		return u.root.Link(target, name)
	default:
		return nil // devices and pipes: the runtime makes its own
	}
	return u.describe(name, h)
}

// room removes what stands in the way of an entry.
func (u *unpacker) room(name string, kind byte) error {
	info, err := u.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || kind == tar.TypeDir && info.IsDir() {
		return err
	}
	return u.root.RemoveAll(name)
}

func (u *unpacker) write(name string, in io.Reader) error {
	f, err := u.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, &counter{limit.Reader(in, u.content, "the unpacked image"), &u.content})
	return errors.Join(err, f.Close())
}

// describe sets the owner before the mode: a change of owner clears set-uid.
func (u *unpacker) describe(name string, h *tar.Header) error {
	if u.owners {
		if err := u.root.Lchown(name, h.Uid, h.Gid); err != nil {
			return err
		}
	}
	if h.Typeflag == tar.TypeSymlink {
		return nil
	}
	mode := h.FileInfo().Mode()
	if !u.owners {
		mode |= 0o400 // the caller must be able to read and remove it
		if h.Typeflag == tar.TypeDir {
			mode |= 0o700
		}
	}
	if err := u.root.Chmod(name, mode); err != nil {
		return err
	}
	if h.Typeflag == tar.TypeDir {
		return nil
	}
	return u.root.Chtimes(name, h.ModTime, h.ModTime)
}

// clear removes what lower layers put into a folder.
func (u *unpacker) clear(name string) error {
	f, err := u.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	entries, err := f.ReadDir(-1)
	f.Close()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := u.remove(filepath.Join(name, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) remove(name string) error {
	if u.fresh[name] {
		return nil
	}
	if base := filepath.Base(name); base == "." || base == ".." || name == "." {
		return errors.New("the whiteout names no file")
	}
	if u.above[name] {
		return u.clear(name)
	}
	return u.root.RemoveAll(name)
}
