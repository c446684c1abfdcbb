package oci

import (
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
)

// Image reads an image from a layout's blobs by its manifest's digest; the
// layout's index need not name it. Nothing is verified here: whoever reads a
// blob compares it with its digest.
func Image(dir, digest string) (v1.Image, error) {
	text, blobs, err := manifest(dir, digest)
	if err != nil {
		return nil, fmt.Errorf("opening image: %w", err)
	}
	return partial.CompressedToImage(image{dir: dir, manifest: text, blobs: blobs})
}

// image is what partial needs to make a v1.Image.
type image struct {
	dir      string
	manifest []byte
	blobs    []v1.Descriptor // layers, then the config
}

func (i image) RawManifest() ([]byte, error)        { return i.manifest, nil }
func (i image) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

func (i image) RawConfigFile() ([]byte, error) {
	return readBlob(i.dir, i.blobs[len(i.blobs)-1].Digest.String())
}

func (i image) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	for _, b := range i.blobs {
		if b.Digest == digest {
			return blob{dir: i.dir, descriptor: b}, nil
		}
	}
	return nil, fault.New(fault.Integrity, "the image has no layer %s", digest)
}

type blob struct {
	dir        string
	descriptor v1.Descriptor
}

func (b blob) Digest() (v1.Hash, error)            { return b.descriptor.Digest, nil }
func (b blob) Size() (int64, error)                { return b.descriptor.Size, nil }
func (b blob) MediaType() (types.MediaType, error) { return b.descriptor.MediaType, nil }

func (b blob) Compressed() (io.ReadCloser, error) {
	return regular.Open(blobPath(b.dir, b.descriptor.Digest.String()))
}
