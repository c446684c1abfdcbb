package bake

import (
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/pin"
)

// TestKeyHoldsTheRevision: two programs of one version may bake other bytes,
// and so may other programs for the images, and for the work on trees.
func TestKeyHoldsTheRevision(t *testing.T) {
	key := func(revision, service, tree string) string {
		b := Baker{
			Locker: pin.Locker{Version: "1.0"}, Revision: revision, Hardening: examine.Hardening{Controls: flowtest.NoControls{}},
			Service: func() ([]byte, error) { return []byte(service), nil }, TreeProgram: func() ([]byte, error) { return []byte(tree), nil },
		}
		got, err := b.key(app.App{Name: "web"}, &lock.Lock{})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first := key("a", "x", "1")
	if first != key("a", "x", "1") || first == key("b", "x", "1") || first == key("a", "y", "1") || first == key("a", "x", "2") {
		t.Error("the key does not go by the revision and the programs")
	}
}
