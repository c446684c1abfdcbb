package test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/runners/probe"
	"github.com/bakelite/bakelite/test/harness"
)

// TestFailedTestPublishesNothing declares a text that the page lacks, first
// where nothing stands and then beside a good build: old artifacts and receipt
// stay, what was made is kept apart, whole, until a build succeeds.
func TestFailedTestPublishesNothing(t *testing.T) {
	s := harness.NewSite(t)
	build := []string{"build", "--json", "--target", "container", "web"}
	good, bad := "<title>Baked with Bakelite</title>}", "no such text}\n    within: 1s"
	kept := filepath.Join(s.Out, "web.failed")
	s.Replace("app.yaml", good, bad)
	s.Run(build...).Want(t, 6, "1 of 8 checks failed", "the page is served", "no such text", kept)
	s.Names("web.failed")
	wholeImage(t, filepath.Join(kept, "web.oci"))

	s.Replace("app.yaml", bad, good)
	before := s.Run(build...).Result(t)
	s.Names("web.oci", "web.receipt.json")
	receipt := harness.Read(t, filepath.Join(s.Out, "web.receipt.json"))
	s.Replace("site/index.html", "Set hard", "Set harder")
	s.Replace("app.yaml", good, bad)
	o := s.Run(build...).Want(t, 6, "no such text", kept)
	if o.Stdout != "" {
		t.Errorf("stdout holds %q", o.Stdout)
	}
	s.Names("web.failed", "web.oci", "web.receipt.json")
	if harness.Read(t, filepath.Join(s.Out, "web.receipt.json")) != receipt {
		t.Error("the receipt changed")
	}
	checkImage(s, before.Artifact(t, "layout"))
	if made := wholeImage(t, filepath.Join(kept, "web.oci")); made == before.Digest(t, "layout") {
		t.Error("the image that failed is the one before")
	}
	harness.LeavesNothing(t)

	s.Replace("app.yaml", bad, "Set harder}")
	s.Replace("app.yaml", "\nservice:", "\ncontainer: {format: archive}\nservice:")
	after := s.Run(build...).Result(t)
	if !after.Rebuilt || after.Digest(t, "layout") == before.Digest(t, "layout") {
		t.Errorf("after the mend: %+v", after)
	}
	checkImage(s, after.Artifact(t, "layout"))
	if !slices.ContainsFunc(after.Tests, func(r probe.Result) bool { return r.Name == "the page is served" && r.Passed }) {
		t.Errorf("the mended test did not pass: %+v", after.Tests)
	}
	s.Names("web.oci", "web.oci.tar", "web.receipt.json")
	s.Run("scan", s.Path(after.Artifact(t, "archive"))).Want(t, 2, "web.oci", "unpack it")

	s.Replace("app.yaml", "\ncontainer: {format: archive}\n", "\n")
	s.Run(build...).Result(t)
	s.Names("web.oci", "web.receipt.json")
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
