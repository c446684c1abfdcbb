package publish

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
)

// ContainerDisk makes an image of one disk file that KubeVirt boots as a
// containerDisk volume: one layer with /disk/NAME, qcow2 or raw.
func ContainerDisk(ctx context.Context, o DiskOptions) (Content, error) {
	if len(o.Files) != 1 || o.Files[0].Format != "qcow2" && o.Files[0].Format != "raw" {
		return Content{}, fault.New(fault.Invalid, "a containerDisk holds one file, qcow2 or raw")
	}
	file := o.Files[0]
	p, err := packed(ctx, packing{
		Cache: o.Cache, Source: file.Path, Digest: digest.Digest(file.Digest), Form: containerDiskForm{name: filepath.Base(file.Path)}, Vouch: o.Vouch, Keep: o.Keep,
	})
	if err != nil {
		return Content{}, fmt.Errorf("packing %s: %w", filepath.Base(file.Path), err)
	}
	layer := registry.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: p.Packed, Size: p.PackedSize}
	var image ocispec.Image
	image.OS, image.Architecture, _ = strings.Cut(o.Platform, "/")
	image.RootFS = ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{p.Inner}}
	text, err := json.Marshal(image)
	if err != nil {
		return Content{}, fmt.Errorf("encoding config: %w", err)
	}
	config := registry.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: digest.FromBytes(text), Size: int64(len(text))}
	c := Content{Blobs: []registry.Blob{{Descriptor: layer, Open: p.openPacked}, registry.InMemory(config, text)}}
	return c.withManifest(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: config, Layers: []registry.Descriptor{layer}, Annotations: map[string]string{diskApp: o.App, diskPlatform: o.Platform},
	})
}
