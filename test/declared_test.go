package test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/bakelite/bakelite/internal/probe"
)

// TestFailedTestPublishesNothing declares a text that the page lacks: the old
// artifacts and the receipt stay, what was made is kept apart, and the next
// run without the mistake succeeds.
func TestFailedTestPublishesNothing(t *testing.T) {
	s := newSite(t)
	build := []string{"build", "--json", "--target", "container", "web"}
	before := s.run(build...).result(t)
	receipt := read(t, filepath.Join(s.out, "web.receipt.json"))
	s.replace("site/index.html", "Set hard", "Set harder")
	s.replace("app.yaml", "<title>Baked with Bakelite</title>}", "no such text}\n    within: 1s")
	kept := filepath.Join(s.out, "web.failed")
	o := s.run(build...).want(t, 6, "the page is served", "no such text", kept)
	if o.stdout != "" {
		t.Errorf("stdout holds %q", o.stdout)
	}
	s.names("web.failed", "web.oci", "web.receipt.json")
	if read(t, filepath.Join(s.out, "web.receipt.json")) != receipt {
		t.Error("the receipt changed")
	}
	checkImage(s, before.artifact(t, "layout"))
	leavesNothing(t)

	s.replace("app.yaml", "no such text}\n    within: 1s", "Set harder}")
	after := s.run(build...).result(t)
	if !after.Rebuilt || after.digest(t, "layout") == before.digest(t, "layout") {
		t.Errorf("after the mend: %+v", after)
	}
	checkImage(s, after.artifact(t, "layout"))
	if !slices.ContainsFunc(after.Tests, func(r probe.Result) bool { return r.Name == "the page is served" && r.Passed }) {
		t.Errorf("the mended test did not pass: %+v", after.Tests)
	}
}
