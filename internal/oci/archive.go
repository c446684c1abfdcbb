package oci

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/bakelite/bakelite/internal/regular"
)

// Archive writes a layout as one tar file, the same bytes for the same image.
func Archive(dir, file string) error {
	out, err := renameio.NewPendingFile(file, renameio.WithPermissions(0o644))
	if err != nil {
		return fmt.Errorf("making archive: %w", err)
	}
	defer out.Cleanup()
	w := tar.NewWriter(out)
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		return addFile(w, dir, path)
	})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return fmt.Errorf("writing archive: %w", err)
	}
	return out.CloseAtomicallyReplace()
}

func addFile(w *tar.Writer, dir, path string) error {
	f, err := regular.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: info.Size(), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}
