package harness

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish"
)

// Push sends an image of a layout with nothing that vouches for it, and
// returns its reference.
func Push(t *testing.T, layout, image, repository string) string {
	t.Helper()
	store, _ := Open(t, repository)
	content, err := publish.Image(t.Context(), layout, image)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range content.Blobs {
		if err := store.PutBlob(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.PutManifest(t.Context(), content.Manifest); err != nil {
		t.Fatal(err)
	}
	if err := store.SetTag(t.Context(), registry.TagRequest{Name: registry.Tag, Manifest: content.Manifest}); err != nil {
		t.Fatal(err)
	}
	return repository + "@" + image
}

// Descriptors are the config and the layers of a manifest.
func Descriptors(t *testing.T, m registry.Manifest) []registry.Descriptor {
	t.Helper()
	var manifest struct {
		Config registry.Descriptor
		Layers []registry.Descriptor
	}
	if err := json.Unmarshal(m.Content, &manifest); err != nil {
		t.Fatal(err)
	}
	return append([]registry.Descriptor{manifest.Config}, manifest.Layers...)
}

// Image is one of the layout in Dir.
type Image struct{ Dir, Digest string }

// SmallImage writes an image of an empty layer to a layout.
func SmallImage(t *testing.T, dir string) Image {
	t.Helper()
	var layer bytes.Buffer
	if err := tar.NewWriter(&layer).Close(); err != nil {
		t.Fatal(err)
	}
	made, err := oci.WriteImage(dir, "linux/amd64", io.NopCloser(bytes.NewReader(layer.Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	return Image{dir, made}
}

// HeadersIn are those of an image's files, by name.
func HeadersIn(t *testing.T, layout, digest string) map[string]*tar.Header {
	t.Helper()
	image, err := oci.Image(layout, digest)
	if err != nil {
		t.Fatal(err)
	}
	files := mutate.Extract(image)
	defer files.Close()
	all := map[string]*tar.Header{}
	for entries := tar.NewReader(files); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(entry.Name, "/")] = entry
	}
}

// LayersOf lists the digests of an image's layers.
func LayersOf(t *testing.T, ref string) string {
	t.Helper()
	store, at := Open(t, ref)
	m, err := registry.Resolve(t.Context(), store, at)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(Descriptors(t, m)[1:])
}
