package oci

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/stream"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/renameio/v2"
)

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
