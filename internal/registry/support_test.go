package registry_test

import (
	"context"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
)

// content is an image: its manifest and what that names.
type content struct {
	manifest registry.Manifest
	blobs    []registry.Blob
}

// image is an image of one file.
func image(t testing.TB, text string) content {
	t.Helper()
	dir, made := registrytest.Image(t, text)
	layout := registry.Layout(dir)
	m, err := layout.Manifest(t.Context(), made)
	if err != nil {
		t.Fatal(err)
	}
	shape, err := m.Shape()
	if err != nil {
		t.Fatal(err)
	}
	c := content{manifest: m}
	for _, d := range append(shape.Layers, *shape.Config) {
		c.blobs = append(c.blobs, registry.Blob{Descriptor: d, Open: func(ctx context.Context) (io.ReadCloser, error) { return layout.Blob(ctx, d) }})
	}
	return c
}

// put stores an image and has tags lead to it.
func put(ctx context.Context, s registry.Store, c content, tags ...string) error {
	if _, _, err := registry.PutBlobs(ctx, s, c.blobs); err != nil {
		return err
	}
	if _, err := s.PutManifest(ctx, c.manifest); err != nil {
		return err
	}
	for _, tag := range tags {
		if err := s.SetTag(ctx, registry.TagRequest{Name: tag, Manifest: c.manifest}); err != nil {
			return err
		}
	}
	return nil
}

// random is text that cannot be compressed, the same each time.
func random(n int) string {
	text := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(text)
	return string(text)
}
