package publish_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
	"github.com/bakelite/bakelite/publish"
)

// A layout that an image was published to is one image to who reads it, and
// what vouches for the image is not pruned.
func TestPublishedLayoutIsOneImage(t *testing.T) {
	ref := registry.LayoutPrefix + filepath.Join(t.TempDir(), "repo")
	dir := strings.TrimPrefix(ref, registry.LayoutPrefix)
	s := registrytest.Open(t, ref, registrytest.Fast())
	_, c := image(t, "one")
	if _, err := publish.Publish(t.Context(), s, publish.Publication{Content: c, Signed: signed(t, c), Version: "1.0", Tags: []string{"latest"}}); err != nil {
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
	if _, err := publish.Publish(t.Context(), s, publish.Publication{Content: other, Signed: signed(t, other), Version: "1.1", Tags: []string{"latest"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := oci.Only(dir); err == nil {
		t.Error("two images are one")
	}
}

// Cosign's --local-image takes the first manifest that has its annotation, and
// oras finds referrers among what the index names.
func TestLayoutIsReadableByOthers(t *testing.T) {
	ref := registry.LayoutPrefix + filepath.Join(t.TempDir(), "repo")
	s := registrytest.Open(t, ref, registrytest.Fast())
	var newest publish.Content
	for i := range 2 {
		_, newest = image(t, fmt.Sprint(i))
		if _, err := publish.Publish(t.Context(), s, publish.Publication{Content: newest, Signed: signed(t, newest), Version: fmt.Sprintf("1.%d", i), Tags: []string{"latest"}}); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimPrefix(ref, registry.LayoutPrefix), "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct{ Manifests []registry.Descriptor }
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	first := index.Manifests[0]
	if first.Digest != newest.Manifest.Digest || first.Annotations["kind"] != "dev.cosignproject.cosign/image" || first.Platform == nil || first.Platform.Architecture != "amd64" {
		t.Errorf("the index begins with %+v, want the newest image, for cosign, with its platform", first)
	}
	referrers := 0
	for _, d := range index.Manifests {
		if strings.HasPrefix(d.ArtifactType, "application/vnd.dev.sigstore.bundle") {
			referrers++
		}
	}
	if referrers != 4 {
		t.Errorf("the index names %d bundles, want 4", referrers)
	}
	if _, err := os.Stat(filepath.Join(strings.TrimPrefix(ref, registry.LayoutPrefix), "oci-layout")); err != nil {
		t.Error(err)
	}
}

func TestManyPublishersOfOneLayout(t *testing.T) {
	ref := registry.LayoutPrefix + filepath.Join(t.TempDir(), "repo")
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		_, c := image(t, fmt.Sprint(i))
		proof := signed(t, c)
		group.Go(func() {
			_, errs[i] = publish.Publish(context.Background(), registrytest.Open(t, ref, registrytest.Fast()), publish.Publication{Content: c, Signed: proof, Version: fmt.Sprint(i), Tags: []string{"latest"}})
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	s := registrytest.Open(t, ref, registrytest.Fast())
	for i := range errs {
		if !vouched(t, s, fmt.Sprint(i)) {
			t.Errorf("version %d was lost", i)
		}
	}
}
