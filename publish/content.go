package publish

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
)

// Content is what is published: a manifest and the blobs that it names. Its
// manifest's digest is known before anything is sent, since that is signed.
type Content struct {
	Manifest registry.Manifest
	Blobs    []registry.Blob
}

// Image returns an image of a layout folder by its manifest's digest; the
// layout's index need not name it. A blob that is missing or was changed is
// fault.Integrity, here or when it is sent.
func Image(ctx context.Context, dir, image string) (Content, error) {
	l := registry.Layout(dir)
	want := digest.Digest(image)
	if err := registry.CheckDigest(want); err != nil {
		return Content{}, err
	}
	m, err := l.Manifest(ctx, image)
	if err != nil {
		return Content{}, fault.As(fault.Integrity, err)
	}
	s, err := m.Shape()
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
		c.Blobs = append(c.Blobs, registry.Blob{Descriptor: d, Open: func(ctx context.Context) (io.ReadCloser, error) { return l.Blob(ctx, d) }})
	}
	return c, nil
}

// withManifest completes what is made here.
func (c Content) withManifest(m ocispec.Manifest) (Content, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return Content{}, fmt.Errorf("encoding manifest: %w", err)
	}
	c.Manifest = registry.NewManifest(m.MediaType, text)
	return c, nil
}
