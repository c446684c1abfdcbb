package test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/runners/probe"
)

// TestFailedTestPublishesNothing declares a text that the page lacks, first
// where nothing stands and then beside a good build: old artifacts and receipt
// stay, what was made is kept apart, whole, until a build succeeds.
func TestFailedTestPublishesNothing(t *testing.T) {
	s := newSite(t)
	build := []string{"build", "--json", "--target", "container", "web"}
	good, bad := "<title>Baked with Bakelite</title>}", "no such text}\n    within: 1s"
	kept := filepath.Join(s.out, "web.failed")
	s.replace("app.yaml", good, bad)
	s.run(build...).want(t, 6, "1 of 8 checks failed", "the page is served", "no such text", kept)
	s.names("web.failed")
	wholeImage(t, filepath.Join(kept, "web.oci"))

	s.replace("app.yaml", bad, good)
	before := s.run(build...).result(t)
	s.names("web.oci", "web.receipt.json")
	receipt := read(t, filepath.Join(s.out, "web.receipt.json"))
	s.replace("site/index.html", "Set hard", "Set harder")
	s.replace("app.yaml", good, bad)
	o := s.run(build...).want(t, 6, "no such text", kept)
	if o.stdout != "" {
		t.Errorf("stdout holds %q", o.stdout)
	}
	s.names("web.failed", "web.oci", "web.receipt.json")
	if read(t, filepath.Join(s.out, "web.receipt.json")) != receipt {
		t.Error("the receipt changed")
	}
	checkImage(s, before.artifact(t, "layout"))
	if made := wholeImage(t, filepath.Join(kept, "web.oci")); made == before.digest(t, "layout") {
		t.Error("the image that failed is the one before")
	}
	leavesNothing(t)

	s.replace("app.yaml", bad, "Set harder}")
	s.replace("app.yaml", "\nservice:", "\ncontainer: {format: archive}\nservice:")
	after := s.run(build...).result(t)
	if !after.Rebuilt || after.digest(t, "layout") == before.digest(t, "layout") {
		t.Errorf("after the mend: %+v", after)
	}
	checkImage(s, after.artifact(t, "layout"))
	if !slices.ContainsFunc(after.Tests, func(r probe.Result) bool { return r.Name == "the page is served" && r.Passed }) {
		t.Errorf("the mended test did not pass: %+v", after.Tests)
	}
	s.names("web.oci", "web.oci.tar", "web.receipt.json")
	s.run("scan", s.path(after.artifact(t, "archive"))).want(t, 2, "web.oci", "unpack it")

	s.replace("app.yaml", "\ncontainer: {format: archive}\n", "\n")
	s.run(build...).result(t)
	s.names("web.oci", "web.receipt.json")
}

// wholeImage returns the digest of a layout's one image, whose blobs are there.
func wholeImage(t *testing.T, layout string) string {
	t.Helper()
	digest, err := oci.Only(layout)
	if err == nil {
		_, err = oci.Size(layout, digest)
	}
	if err != nil {
		t.Error(err)
	}
	return digest
}
