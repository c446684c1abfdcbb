package registry_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/registry"
)

// A layout that an image was published to is one image to who reads it, and
// what vouches for the image is not pruned.
func TestPublishedLayoutIsOneImage(t *testing.T) {
	ref := registry.LayoutPrefix + filepath.Join(t.TempDir(), "repo")
	dir := strings.TrimPrefix(ref, registry.LayoutPrefix)
	s := open(t, ref, fast())
	_, c := image(t, "one")
	if _, err := registry.Publish(t.Context(), s, registry.Publication{Content: c, Signed: signed(t, c), Version: "1.0", Tags: []string{"latest"}}); err != nil {
		t.Fatal(err)
	}
	if only, err := oci.Only(dir); err != nil || only != c.Manifest.Digest.String() {
		t.Errorf("got %s and %v, want %s", only, err, c.Manifest.Digest)
	}
	if err := oci.Prune(dir); err != nil {
		t.Fatal(err)
	}
	vouched(t, s, "1.0")
	_, other := image(t, "two")
	if _, err := registry.Publish(t.Context(), s, registry.Publication{Content: other, Signed: signed(t, other), Version: "1.1", Tags: []string{"latest"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := oci.Only(dir); err == nil {
		t.Error("two images are one")
	}
}
