// Package oci reads and writes OCI layout folders on this machine. It is one
// door to go-containerregistry and talks to no network. A name in a layout's
// index is written last and at once, so a layout is whole at any time.
package oci

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/stream"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/renameio/v2"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
)

// maxIndex bounds a layout's index.json, in bytes.
const maxIndex = 4 << 20

// maxImages bounds the images that are read from one index.
const maxImages = 1024

// maxNames bounds what one index names.
const maxNames = 4096

// refName is the annotation that names an image in an index.
const refName = "org.opencontainers.image.ref.name"

// WriteImage writes a layout with one image of one layer, a tar stream that is
// read once and closed, and returns the image's digest.
func WriteImage(dir, platform string, layer io.ReadCloser) (string, error) {
	img := mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1)
	file, err := img.ConfigFile()
	if err != nil {
		return "", fmt.Errorf("making image: %w", err)
	}
	file.OS, file.Architecture, _ = strings.Cut(platform, "/")
	if img, err = mutate.ConfigFile(img, file); err != nil {
		return "", fmt.Errorf("making image: %w", err)
	}
	if img, err = mutate.AppendLayers(img, stream.NewLayer(layer, stream.WithMediaType(types.OCILayer))); err != nil {
		return "", fmt.Errorf("making image: %w", err)
	}
	folder, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = folder.AppendImage(img)
	}
	if err != nil {
		return "", fmt.Errorf("writing layout: %w", err)
	}
	digest, err := img.Digest()
	return digest.String(), err
}

// Name makes the index of a layout, whose blobs are there, name one image.
func Name(dir, name, digest, platform string) error {
	manifest, err := readBlob(dir, digest)
	if err != nil {
		return err
	}
	hash, err := v1.NewHash(digest)
	if err != nil {
		return fmt.Errorf("reading digest: %w", err)
	}
	system, architecture, _ := strings.Cut(platform, "/")
	index, err := json.MarshalIndent(v1.IndexManifest{
		SchemaVersion: 2, MediaType: types.OCIImageIndex,
		Manifests: []v1.Descriptor{{
			MediaType: types.OCIManifestSchema1, Size: int64(len(manifest)), Digest: hash,
			Annotations: map[string]string{refName: name},
			Platform:    &v1.Platform{OS: system, Architecture: architecture},
		}},
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing index: %w", err)
	}
	if err := renameio.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644); err != nil {
		return fmt.Errorf("writing layout: %w", err)
	}
	if err := renameio.WriteFile(filepath.Join(dir, "index.json"), append(index, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing index: %w", err)
	}
	return nil
}

// Only returns the digest of the image that a layout's index names, under any
// number of names; what refers to it, such as signatures, does not count. A
// layout in which something stands in the place of a blob that is no file is
// refused: whoever is given it would wait for a pipe.
func Only(dir string) (string, error) {
	if err := onlyFiles(blobsPath(dir)); err != nil {
		return "", err
	}
	named, err := names(dir)
	if err != nil {
		return "", err
	}
	if len(named) > 1 {
		if named, err = withoutReferrers(dir, named); err != nil {
			return "", err
		}
	}
	if len(named) != 1 {
		return "", fault.New(fault.Invalid, "layout %s names %d images: want one", dir, len(named))
	}
	return named[0].Digest.String(), nil
}

func onlyFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // what is missing is missed by its name
		return fault.As(fault.Invalid, fmt.Errorf("reading layout: %w", err))
	}
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			continue
		}
		if err := regular.Check(filepath.Join(dir, entry.Name())); err != nil {
			return fault.As(fault.Invalid, fmt.Errorf("reading layout: %w", err))
		}
	}
	return nil
}

// names returns what a layout's index names, each digest once.
func names(dir string) ([]v1.Descriptor, error) {
	text, err := regular.ReadFile(filepath.Join(dir, "index.json"), maxIndex)
	if err != nil {
		return nil, fault.As(fault.Missing, fmt.Errorf("reading layout %s: %w", dir, err))
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, fault.As(fault.Invalid, fmt.Errorf("reading layout %s: %w", dir, err))
	}
	if len(index.Manifests) > maxNames {
		return nil, fault.New(fault.Invalid, "layout %s names more than %d manifests", dir, maxNames)
	}
	var named []v1.Descriptor
	seen := map[v1.Hash]bool{}
	for _, d := range index.Manifests {
		if !seen[d.Digest] {
			named = append(named, d)
		}
		seen[d.Digest] = true
	}
	return named, nil
}

// withoutReferrers leaves out manifests that have a subject, and lists of them.
func withoutReferrers(dir string, named []v1.Descriptor) ([]v1.Descriptor, error) {
	var images []v1.Descriptor
	for _, d := range named {
		if d.MediaType.IsIndex() && strings.HasPrefix(d.Annotations[refName], "sha256-") {
			continue
		}
		text, err := readBlob(dir, d.Digest.String())
		if err != nil {
			return nil, err
		}
		m, err := v1.ParseManifest(bytes.NewReader(text))
		if err != nil {
			return nil, fault.As(fault.Integrity, fmt.Errorf("reading manifest %s: %w", d.Digest, err))
		}
		if m.Subject == nil {
			images = append(images, d)
		}
	}
	return images, nil
}

// Size returns what an image takes to store or to send: manifest, config and
// compressed layers, in bytes. Every blob must be there with its full size.
func Size(dir, digest string) (int64, error) {
	text, blobs, err := manifest(dir, digest)
	if err != nil {
		return 0, err
	}
	total := int64(len(text))
	for _, blob := range blobs {
		info, err := os.Stat(blobPath(dir, blob.Digest.String()))
		if err != nil || info.Size() != blob.Size {
			return 0, fault.New(fault.Integrity, "layout %s: blob %s is missing or damaged", dir, blob.Digest)
		}
		total += blob.Size
	}
	return total, nil
}

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

func manifest(dir, digest string) ([]byte, []v1.Descriptor, error) {
	text, err := readBlob(dir, digest)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := v1.ParseManifest(bytes.NewReader(text))
	if err != nil {
		return nil, nil, fault.As(fault.Integrity, fmt.Errorf("reading manifest %s: %w", digest, err))
	}
	if len(parsed.Layers) > maxImages {
		return nil, nil, fault.New(fault.Integrity, "manifest %s has %d layers: more than %d", digest, len(parsed.Layers), maxImages)
	}
	return text, append(parsed.Layers, parsed.Config), nil
}

func readBlob(dir, digest string) ([]byte, error) {
	text, err := regular.ReadFile(blobPath(dir, digest), maxIndex)
	if err != nil {
		return nil, fault.As(fault.Integrity, fmt.Errorf("reading blob %s: %w", digest, err))
	}
	return text, nil
}

func blobsPath(dir string) string { return filepath.Join(dir, "blobs", "sha256") }

func blobPath(dir, digest string) string {
	return filepath.Join(blobsPath(dir), filepath.Base(strings.TrimPrefix(digest, "sha256:")))
}
