package container_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/bakelite/bakelite/runners/container"
)

// What the service wrote before anybody followed it is shown, and what it
// writes last.
func TestFollowShowsTheOutputToItsEnd(t *testing.T) {
	a := webApp()
	a.Service.Command, a.Service.Health = []string{"/service", "fail", "300ms"}, nil
	r, err := container.Start(t.Context(), options(t, a))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	var shown bytes.Buffer
	if err := r.Follow(t.Context(), &shown); err != nil || shown.String() != "no luck\n" {
		t.Errorf("got %q and %v, want all that the service wrote", shown.String(), err)
	}
	if r.Alive() == nil {
		t.Error("the service has not ended")
	}
}

func TestFollowEndsWithItsContext(t *testing.T) {
	r := start(t, options(t, webApp()))
	ctx, end := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer end()
	var shown bytes.Buffer
	if err := r.Follow(ctx, &shown); err != nil || shown.String() != "serving\n" {
		t.Errorf("got %q and %v", shown.String(), err)
	}
}
