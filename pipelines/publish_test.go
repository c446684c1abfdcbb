package pipelines

import (
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/scan"
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

// TestStandingTakesNoRoom: what stands is there already.
func TestStandingTakesNoRoom(t *testing.T) {
	p := newPast(t)
	k, s := p.kitchen(), p.subject()
	var nights []scan.Report
	for i := range attest.MaxBundles - 4 { // a signature and an SBOM beside them
		nights = append(nights, p.report(time.Duration(i+1)*time.Hour))
	}
	p.publish(p.key, nights...)
	for i, want := range []fault.Kind{0, 0, fault.Policy} {
		attached, err := k.lasting(t.Context(), s)
		if err != nil || len(attached) != 2 {
			t.Fatalf("%d statements may stand, %v", len(attached), err)
		}
		_, err = k.send(t.Context(), s, p.sign(p.key, attached, p.report(time.Duration(i)*time.Minute)), PublishOptions{})
		if (err == nil) != (want == 0) || err != nil && fault.KindOf(err) != want {
			t.Errorf("%d more: %v", i+1, err)
		}
	}
}
