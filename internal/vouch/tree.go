package vouch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// block is the unit in which zeros are left out, in bytes.
const block = 64 << 10

// tree is the digest of a file or folder: of names, types, modes, owners,
// extended attributes, links and content, not of dates. Whether zeros are holes does not matter.
func tree(ctx context.Context, path string) (string, error) {
	whole := sha256.New()
	err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		below, err := filepath.Rel(path, name)
		if err != nil {
			return err
		}
		content, err := contentOf(ctx, name, info)
		stat, ok := info.Sys().(*syscall.Stat_t)
		if err != nil || !ok {
			return errors.Join(err, ctx.Err())
		}
		fmt.Fprintf(whole, "%q %v %d %d %q\n", below, info.Mode(), stat.Uid, stat.Gid, content)
		return attributes(whole, name, info)
	})
	if err != nil {
		return "", fmt.Errorf("reading what was made: %w", err)
	}
	return hex.EncodeToString(whole.Sum(nil)), nil
}

// contentOf is a link's target or the digest of a file; of a folder its mode
// says it all, and other things are refused.
func contentOf(ctx context.Context, path string, info fs.FileInfo) (string, error) {
	switch {
	case info.Mode().IsRegular():
		return digest(ctx, path)
	case info.Mode()&fs.ModeSymlink != 0:
		return os.Readlink(path)
	case info.IsDir():
		return "", nil
	}
	return "", fmt.Errorf("%s is neither a file nor a folder", path)
}

// maxAttribute bounds the names of a file's extended attributes together, and
// each value, in bytes (xattr(7)).
const maxAttribute = 64 << 10

// attributes hashes the extended attributes of a file or folder, but for those
// that a kernel gives every file of its own (xattr(7), security).
func attributes(to io.Writer, path string, info fs.FileInfo) error {
	if info.Mode()&fs.ModeSymlink != 0 {
		return nil
	}
	list := make([]byte, maxAttribute)
	n, err := unix.Llistxattr(path, list)
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	if err != nil {
		return &fs.PathError{Op: "listxattr", Path: path, Err: err}
	}
	names := strings.FieldsFunc(string(list[:n]), func(r rune) bool { return r == 0 })
	slices.Sort(names)
	for _, name := range names {
		if slices.Contains([]string{"security.selinux", "security.ima", "security.evm"}, name) {
			continue
		}
		value := make([]byte, maxAttribute)
		n, err := unix.Lgetxattr(path, name, value)
		if err != nil {
			return &fs.PathError{Op: "getxattr " + name, Path: path, Err: err}
		}
		fmt.Fprintf(to, "%q %q\n", name, value[:n])
	}
	return nil
}

// digest hashes size and content of a file, without its holes and other
// blocks of zeros.
func digest(ctx context.Context, path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d bytes\n", info.Size())
	buffer, zeros := make([]byte, block), make([]byte, block)
	for at := nextData(f, 0); at < info.Size(); at = nextData(f, at+block) {
		n, err := f.ReadAt(buffer, at)
		if err != nil && !errors.Is(err, io.EOF) || ctx.Err() != nil {
			return "", errors.Join(err, ctx.Err())
		}
		if !bytes.Equal(buffer[:n], zeros[:n]) {
			fmt.Fprintf(h, "%d at %d\n", n, at)
			h.Write(buffer[:n])
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// nextData is the first block from a position on in which there may be data
// (lseek(2)).
func nextData(f *os.File, at int64) int64 {
	data, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO):
		return math.MaxInt64
	case err != nil:
		return at // the filesystem knows no holes
	}
	return data - data%block
}
