package pipelines

import (
	"testing"

	"github.com/bakelite/bakelite/internal/attest"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
)

// TestRoomForStatements fills what verifiers read of a digest, and then asks
// for one place more.
func TestRoomForStatements(t *testing.T) {
	p := newPast(t)
	store, _, err := registry.Open(p.repository, registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := room(t.Context(), store, p.subject(), attest.MaxBundles); err != nil {
		t.Errorf("nothing is there: %v", err)
	}
	p.publish(p.key)
	there, err := store.Referrers(t.Context(), p.content.Manifest.Digest)
	if err != nil || len(there) == 0 {
		t.Fatalf("%d statements, %v", len(there), err)
	}
	if err := room(t.Context(), store, p.subject(), attest.MaxBundles-len(there)); err != nil {
		t.Errorf("the last place: %v", err)
	}
	err = room(t.Context(), store, p.subject(), attest.MaxBundles-len(there)+1)
	if fault.KindOf(err) != fault.Policy || fault.HintOf(err) == "" {
		t.Errorf("one more: %v", err)
	}
}
