package look

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
)

// TestPublishedLocks are those that the policy's signers attested, for each
// kind that is published; what somebody else attested does not count.
func TestPublishedLocks(t *testing.T) {
	s := newShop(t)
	if locks, err := s.r.Published(t.Context(), s.app); err != nil || len(locks) > 0 {
		t.Errorf("before all of it: %v, %v", locks, err)
	}
	s.publish()
	locks, err := s.r.Published(t.Context(), s.app)
	if err != nil || len(locks) != 2 {
		t.Fatalf("got %+v, %v", locks, err)
	}
	for kind, named := range map[string]string{"container": s.image(), "disk": s.disk()} {
		if got := locks[kind]; got.Lock.Digest() != s.lock.Digest() || got.Ref != s.find(named).Name {
			t.Errorf("the %s is of %s by %s", kind, got.Ref, got.Lock.Digest())
		}
	}
	if _, err := s.mum().Published(t.Context(), s.app); fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
		t.Errorf("by a policy that names nobody: %v", err)
	}
	if _, err := s.stranger().Published(t.Context(), s.app); fault.KindOf(err) != fault.Policy || !strings.Contains(err.Error(), "no lock in") {
		t.Errorf("by another key: %v", err)
	}
	flowtest.Must(t, os.RemoveAll(filepath.Join(s.shelf, "web")))
	if locks, err := s.r.Published(t.Context(), s.app); err != nil || len(locks) != 1 || locks["disk"].Ref == "" {
		t.Errorf("the disk alone: %+v, %v", locks, err)
	}
}

// TestLockOfAnotherApp: a repository under an app's name that holds another
// app's image gives no lock.
func TestLockOfAnotherApp(t *testing.T) {
	s := newShop(t)
	s.publish()
	flowtest.Must(t, os.Rename(filepath.Join(s.shelf, "web"), filepath.Join(s.shelf, "shop")))
	other := s.app
	other.Name = "shop"
	if locks, err := s.r.Published(t.Context(), other); fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), `of the app "web"`) {
		t.Errorf("got %+v, %v", locks, err)
	}
}

// TestLockIsNotAttested: where nobody states a lock there is none, and that is
// no mere absence.
func TestLockIsNotAttested(t *testing.T) {
	by := flowtest.NewRepository(t)
	by.Publish(by.Key)
	r := Reader{Policy: by.Policy(), Destination: strings.TrimSuffix(by.Name, "/web")}
	app := flowtest.App(t)
	if _, err := r.Published(t.Context(), app); fault.KindOf(err) != fault.Policy || !strings.Contains(err.Error(), "none is attached") {
		t.Errorf("got %v", err)
	}
	by.AttachAs(attest.Bundle{PredicateType: intoto.LockType, JSON: by.Bundle(intoto.CycloneDXType)}, func(manifest []byte) []byte { return manifest })
	if _, err := r.Published(t.Context(), app); err == nil {
		t.Error("an SBOM is taken for a lock")
	}
}

// TestDigestOfAName is what it leads to now.
func TestDigestOfAName(t *testing.T) {
	by := flowtest.NewRepository(t)
	if _, err := (Reader{}).Digest(t.Context(), by.Name); err == nil || !strings.Contains(err.Error(), "looking at") {
		t.Errorf("nothing there: %v", err)
	}
	by.Publish(by.Key)
	got, err := (Reader{}).Digest(t.Context(), by.Name)
	if err != nil || got != by.Content.Manifest.Digest.String() {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := (Reader{}).Digest(t.Context(), by.Name+"@"+digests.Of(nil)); err == nil {
		t.Error("another digest is there")
	}
}
