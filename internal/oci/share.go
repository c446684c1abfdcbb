package oci

import (
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/bakelite/bakelite/internal/regular"
)

// Prune removes the blobs that the index does not lead to, and what an
// interrupted write left behind.
func Prune(dir string) error {
	named, err := names(dir)
	if err != nil {
		return err
	}
	keep := map[string]bool{}
	for _, d := range named {
		_, blobs, err := manifest(dir, d.Digest.String())
		if err != nil {
			return err
		}
		keep[d.Digest.Hex] = true
		for _, blob := range blobs {
			keep[blob.Digest.Hex] = true
		}
	}
	entries, err := os.ReadDir(blobsPath(dir))
	if err != nil {
		return fmt.Errorf("reading layout: %w", err)
	}
	for _, entry := range entries {
		if !keep[entry.Name()] {
			if err := os.Remove(filepath.Join(blobsPath(dir), entry.Name())); err != nil {
				return fmt.Errorf("removing old blob: %w", err)
			}
		}
	}
	return os.RemoveAll(filepath.Join(dir, "ingest"))
}

// Share links the blobs of a layout, where there is one, into a new folder, but
// for damaged ones, which are made again there. On a filesystem without links
// that folder starts empty.
func Share(dir, into string) error {
	if err := os.MkdirAll(blobsPath(into), 0o755); err != nil {
		return fmt.Errorf("making layout folder: %w", err)
	}
	blobs, err := os.ReadDir(blobsPath(dir))
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("reading layout: %w", err)
	}
	for _, blob := range blobs {
		if path := filepath.Join(blobsPath(dir), blob.Name()); matchesName(path) {
			_ = os.Link(path, filepath.Join(blobsPath(into), blob.Name()))
		}
	}
	return nil
}

// matchesName says whether a blob has the digest that it is named by.
func matchesName(path string) bool {
	f, err := regular.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	hash, _, err := v1.SHA256(f)
	return err == nil && hash.Hex == filepath.Base(path)
}

// Replace moves a whole layout to the place of another on the same
// filesystem, which is whole at any time too: blobs first, then the index.
func Replace(dir, by string) error {
	if _, err := os.Lstat(dir); os.IsNotExist(err) {
		return os.Rename(by, dir)
	}
	if err := os.MkdirAll(blobsPath(dir), 0o755); err != nil {
		return fmt.Errorf("making layout folder: %w", err)
	}
	blobs, err := os.ReadDir(blobsPath(by))
	if err != nil {
		return fmt.Errorf("reading layout: %w", err)
	}
	for _, blob := range blobs {
		if err := os.Rename(filepath.Join(blobsPath(by), blob.Name()), filepath.Join(blobsPath(dir), blob.Name())); err != nil {
			return fmt.Errorf("moving blob: %w", err)
		}
	}
	for _, name := range []string{"oci-layout", "index.json"} {
		if err := os.Rename(filepath.Join(by, name), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("moving index: %w", err)
		}
	}
	return Prune(dir)
}
