package treefs

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// CopyFile puts a copy of a regular file of another tree at a resolved name,
// in place of any file or link. Holes stay holes; of what else the file has,
// such as its date and its extended attributes, nothing is copied.
func (t *FS) CopyFile(from *FS, source, name string, a Attributes) error {
	in, err := from.openFile(source)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := t.create(name)
	if err != nil {
		return err
	}
	err = copySparse(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("copying %s: %w", Show(source), err)
	}
	return t.Set(name, a)
}

// copySparse copies what is no hole and gives the copy the same size.
func copySparse(out, in *os.File) error {
	info, err := in.Stat()
	if err != nil {
		return err
	}
	for at := int64(0); at < info.Size(); {
		begin, err := in.Seek(at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // nothing but a hole is left
			break
		}
		if err != nil {
			return err
		}
		if at, err = in.Seek(begin, unix.SEEK_HOLE); err != nil {
			return err
		}
		if err := copyPart(out, in, begin, at-begin); err != nil {
			return err
		}
	}
	return out.Truncate(info.Size())
}

// copyPart leaves the copying to the kernel, which may share the blocks.
func copyPart(out, in *os.File, begin, size int64) error {
	for _, f := range []*os.File{in, out} {
		if _, err := f.Seek(begin, io.SeekStart); err != nil {
			return err
		}
	}
	_, err := io.CopyN(out, in, size)
	return err
}
