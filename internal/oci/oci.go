// Package oci reads and writes OCI layout folders on this machine. It is one
// door to go-containerregistry and talks to no network. A name in a layout's
// index is written last and at once, so a layout is whole at any time.
package oci

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

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
