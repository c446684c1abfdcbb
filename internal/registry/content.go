package registry

import (
	"context"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/fault"
)

// Content is what is published: a manifest and the blobs that it names. Its
// manifest's digest is known before anything is sent, since that is signed.
type Content struct {
	Manifest Manifest
	Blobs    []Blob
}

// Image returns an image of a layout folder by its manifest's digest; the
// layout's index need not name it. A blob that is missing or was changed is
// fault.Integrity, here or when it is sent.
func Image(dir, image string) (Content, error) {
	ctx := context.Background() //nolint:forbidigo // small files of this machine are read
	l := layout{dir}
	want := digest.Digest(image)
	if err := checkDigest(want); err != nil {
		return Content{}, err
	}
	m, err := l.Manifest(ctx, image)
	if err != nil {
		return Content{}, fault.As(fault.Integrity, err)
	}
	s, err := shapeOf(m)
	if err != nil {
		return Content{}, err
	}
	if s.Config == nil || m.MediaType == ocispec.MediaTypeImageIndex {
		return Content{}, fault.New(fault.Invalid, "%s in layout %s is no image's manifest", image, dir)
	}
	c := Content{Manifest: m}
	for _, d := range append(s.Layers, *s.Config) {
		has, err := l.HasBlob(ctx, d)
		if err != nil || !has {
			return Content{}, fault.New(fault.Integrity, "layout %s: blob %s is missing or damaged", dir, d.Digest)
		}
		c.Blobs = append(c.Blobs, Blob{Descriptor: d, Open: func(ctx context.Context) (io.ReadCloser, error) { return l.Blob(ctx, d) }})
	}
	return c, nil
}
