package examine

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/controls/catalogue"
)

type known []controls.Control

func (k known) UpTo(kind string, level int, allowed ...string) []controls.Control {
	return controls.For(k, kind, level, allowed...)
}

// TestAppAsksForLevelTwo wants what is applied, and what the kernel is told, to
// go by the app file, but for what it allows.
func TestAppAsksForLevelTwo(t *testing.T) {
	all, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	h := Hardening{Controls: known(all)}
	a := app.WithDefaults(app.App{Name: "web"})
	for _, step := range []struct {
		level                  int
		allow                  []string
		locked, ring, readOnly bool
	}{
		{1, nil, false, true, false},
		{1, []string{"io-uring"}, false, false, false},
		{2, nil, true, true, true},
		{2, []string{"io-uring", "jit"}, true, false, false},
	} {
		a.Hardening.Level, a.Service.Allow = step.level, step.allow
		words := controls.KernelArguments(h.Of(a, artifact.Disk))
		has := func(id string) bool {
			return slices.ContainsFunc(h.Of(a, artifact.Disk), func(c controls.Control) bool { return c.ID == id })
		}
		if slices.Contains(words, "lockdown=integrity") != step.locked || has("BK-KRN-08") != step.ring || slices.Contains(words, "proc_mem.force_override=never") != step.readOnly {
			t.Errorf("%+v: the kernel is told %v", step, words)
		}
		var applied []controls.Control
		if err := json.Unmarshal(h.Applied(a, artifact.Disk), &applied); err != nil || len(applied) != len(h.Of(a, artifact.Disk)) {
			t.Errorf("%+v: %d controls are applied: %v", step, len(applied), err)
		}
	}
}
