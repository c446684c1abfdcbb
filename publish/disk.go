package publish

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/disk/format"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch"
)

// Media types of a disk, version 1: docs/publishing.md says what they hold.
const (
	DiskArtifact  = "application/vnd.bakelite.disk.v1"
	diskLayerForm = DiskArtifact + ".%s+zstd"
)

// Annotations of a disk's layer and of its manifest.
const (
	diskDigest   = "dev.bakelite.disk.digest" // of the disk file, uncompressed
	diskSize     = "dev.bakelite.disk.size"   // of the disk file, in bytes
	diskApp      = "dev.bakelite.app"
	diskPlatform = "dev.bakelite.platform"
)

// DiskFile is one file of a disk.
type DiskFile struct {
	Path string
	// Format is raw, qcow2, vmdk or vhd.
	Format string
	// Digest is the file's, as "sha256:…", where the caller knows it: then a
	// file that is in the cache is not read again. "" has it computed.
	Digest string
}

// DiskOptions describe a disk to publish.
type DiskOptions struct {
	Files []DiskFile
	// App and Platform ("linux/amd64") are kept as annotations.
	App, Platform string
	// Cache is the folder for compressed files. What is there already counts
	// where Vouch does so.
	Cache string
	Vouch vouch.Key
	// Keep is how many bytes of compressed files stay there; 0 means 256 MB.
	Keep int64
}

// Disk makes an OCI artifact of a disk's files, one compressed layer each. The
// same files give the same manifest. Files are streamed, and holes in them are
// not read.
func Disk(ctx context.Context, o DiskOptions) (Content, error) {
	if len(o.Files) == 0 {
		return Content{}, fault.New(fault.Invalid, "a disk without files")
	}
	config := registry.Descriptor{MediaType: ocispec.MediaTypeEmptyJSON, Digest: ocispec.DescriptorEmptyJSON.Digest, Size: 2}
	c := Content{Blobs: []registry.Blob{registry.InMemory(config, []byte("{}"))}}
	layers := []registry.Descriptor{}
	files := slices.SortedFunc(slices.Values(o.Files), func(a, b DiskFile) int {
		return strings.Compare(filepath.Base(a.Path), filepath.Base(b.Path))
	})
	for _, f := range files {
		b, err := o.layer(ctx, f)
		if err != nil {
			return Content{}, fmt.Errorf("packing %s: %w", filepath.Base(f.Path), err)
		}
		c.Blobs, layers = append(c.Blobs, b), append(layers, b.Descriptor)
	}
	return c.withManifest(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: DiskArtifact,
		Config: config, Layers: layers, Annotations: map[string]string{diskApp: o.App, diskPlatform: o.Platform},
	})
}

func (o DiskOptions) layer(ctx context.Context, f DiskFile) (registry.Blob, error) {
	if _, err := format.Lookup(f.Format); err != nil {
		return registry.Blob{}, err
	}
	p, err := packed(ctx, packing{Cache: o.Cache, Source: f.Path, Digest: digest.Digest(f.Digest), Form: zstdForm{}, Vouch: o.Vouch, Keep: o.Keep})
	if err != nil {
		return registry.Blob{}, err
	}
	d := registry.Descriptor{
		MediaType: fmt.Sprintf(diskLayerForm, f.Format), Digest: p.Packed, Size: p.PackedSize,
		Annotations: map[string]string{
			ocispec.AnnotationTitle: filepath.Base(f.Path) + ".zst",
			diskDigest:              p.Inner.String(), diskSize: strconv.FormatInt(p.InnerSize, 10),
		},
	}
	return registry.Blob{Descriptor: d, Open: p.openPacked}, nil
}
