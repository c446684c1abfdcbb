package release

import (
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/scan"
)

// TestRoomForStatements fills what verifiers read of a digest, and then asks
// for one place more.
func TestRoomForStatements(t *testing.T) {
	p := flowtest.NewRepository(t)
	store, _, err := registry.Open(p.Name, registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := room(t.Context(), store, subjectOf(p), attest.MaxBundles); err != nil {
		t.Errorf("nothing is there: %v", err)
	}
	p.Publish(p.Key)
	there, err := store.Referrers(t.Context(), p.Content.Manifest.Digest)
	if err != nil || len(there) == 0 {
		t.Fatalf("%d statements, %v", len(there), err)
	}
	if err := room(t.Context(), store, subjectOf(p), attest.MaxBundles-len(there)); err != nil {
		t.Errorf("the last place: %v", err)
	}
	err = room(t.Context(), store, subjectOf(p), attest.MaxBundles-len(there)+1)
	if fault.KindOf(err) != fault.Policy || fault.HintOf(err) == "" {
		t.Errorf("one more: %v", err)
	}
}

// TestStandingTakesNoRoom: what stands is there already.
func TestStandingTakesNoRoom(t *testing.T) {
	p := flowtest.NewRepository(t)
	k, s := publisher(p), subjectOf(p)
	var nights []scan.Report
	for i := range attest.MaxBundles - 4 { // a signature and an SBOM beside them
		nights = append(nights, p.Report(time.Duration(i+1)*time.Hour))
	}
	p.Publish(p.Key, nights...)
	for i, want := range []fault.Kind{0, 0, fault.Policy} {
		attached, err := k.reusable(t.Context(), s)
		if err != nil || len(attached) != 2 {
			t.Fatalf("%d statements may stand, %v", len(attached), err)
		}
		_, err = k.send(t.Context(), s, p.Sign(p.Key, attached, p.Report(time.Duration(i)*time.Minute)), Options{})
		if (err == nil) != (want == 0) || err != nil && fault.KindOf(err) != want {
			t.Errorf("%d more: %v", i+1, err)
		}
	}
}
