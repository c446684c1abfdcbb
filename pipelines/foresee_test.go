package pipelines

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/release"
)

// take gives the version 1.0 of the image to one that names a lock.
func (s *shop) take(named string) {
	s.t.Helper()
	store, _, err := registry.Open(registry.LayoutPrefix+s.shelf+"/"+s.app.Name, registry.Options{})
	flowtest.Must(s.t, err)
	empty := []byte("{}")
	config := registry.Descriptor{MediaType: "application/vnd.oci.empty.v1+json", Digest: digest.FromBytes(empty), Size: int64(len(empty))}
	flowtest.Must(s.t, store.PutBlob(s.t.Context(), registry.InMemory(config, empty)))
	text, err := json.Marshal(registry.Shape{
		MediaType: "application/vnd.oci.image.manifest.v1+json", Config: &config, Annotations: map[string]string{lock.Annotation: named},
	})
	flowtest.Must(s.t, err)
	m := registry.NewManifest("application/vnd.oci.image.manifest.v1+json", text)
	_, err = store.PutManifest(s.t.Context(), m)
	flowtest.Must(s.t, err)
	flowtest.Must(s.t, store.SetTag(s.t.Context(), registry.TagRequest{Name: "1.0", Manifest: m, Immutable: true}))
}

// TestTakenVersionBeforeBuilding: nothing is built for a version that is an
// image of another lock. One of the same lock may be what is built, and a
// build of the disk alone does not touch it.
func TestTakenVersionBeforeBuilding(t *testing.T) {
	for name, tt := range map[string]struct {
		lock, version string
		targets       []string
		built         bool
	}{
		"another lock":      {lock: "sha256:" + strings.Repeat("0", 64), version: "1.0"},
		"no lock":           {version: "1.0"},
		"another version":   {version: "1.1", built: true},
		"no version":        {built: true},
		"the same lock":     {lock: "same", version: "1.0", built: true},
		"the disk alone":    {version: "1.0", targets: []string{artifact.Disk}, built: true},
		"the image, by one": {version: "1.0", targets: []string{artifact.Container}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			if tt.lock == "same" {
				tt.lock = s.lock.Digest()
			}
			s.take(tt.lock)
			_, err := s.line.Publish(t.Context(), s.app, bake.Options{Frozen: true, Targets: tt.targets}, release.Options{Version: tt.version})
			if built := slices.Contains(s.Asked, "engine"); built != tt.built {
				t.Errorf("something was built: %t; %v", built, err)
			}
			if !tt.built && (fault.KindOf(err) != fault.Policy || !strings.Contains(err.Error(), "another lock") || fault.HintOf(err) == "") {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

// TestRebuildOfATakenVersion: the new lock is judged, not the old one.
func TestRebuildOfATakenVersion(t *testing.T) {
	s := newShop(t)
	s.take(s.lock.Digest())
	_, err := s.line.Rebuild(t.Context(), s.app, s.noting(), &release.Options{Version: "1.0"})
	if err == nil || !strings.Contains(err.Error(), "another lock") || slices.Contains(s.Asked, "engine") || s.relocked() {
		t.Errorf("asked for %q and ended with %v", s.Asked, err)
	}
}
