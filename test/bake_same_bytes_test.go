package test

import (
	"net/http/httptest"
	"testing"

	"github.com/bakelite/bakelite/test/harness"
)

// TestSameBytes builds the same lock in another folder, on an empty state
// folder and through other mirrors: container and disk have the same digests.
func TestSameBytes(t *testing.T) {
	first, s := harness.FirstBake(t), harness.NewSite(t)
	s.FreshState()
	args := []string{"build", "--json", "--frozen", "--skip-tests"}
	for _, name := range harness.Archives() {
		server := httptest.NewServer(harness.ThroughMirror(t, name))
		t.Cleanup(server.Close)
		args = append(args, "--mirror", name+"="+server.URL)
	}
	r, want := s.Run(append(args, "web")...).Result(t), first.Outcome.Result(t)
	for _, format := range []string{"layout", "raw", "qcow2"} {
		if r.Digest(t, format) != want.Digest(t, format) {
			t.Errorf("%s: %s and %s", format, r.Digest(t, format), want.Digest(t, format))
		}
	}
	if len(r.Tests) != 0 {
		t.Errorf("--skip-tests ran %+v", r.Tests)
	}
}

// TestOneFileChanged changes the page: both artifacts change, and /usr, which
// holds nothing of the app, does not.
func TestOneFileChanged(t *testing.T) {
	first, s := harness.FirstBake(t), harness.NewSite(t)
	s.Replace("site/index.html", "Set hard", "Set harder")
	r, before := s.Run("build", "--json", "--skip-tests", "web").Result(t), first.Outcome.Result(t)
	if !r.Rebuilt {
		t.Error("nothing was rebuilt")
	}
	for _, format := range []string{"layout", "raw", "qcow2"} {
		if r.Digest(t, format) == before.Digest(t, format) {
			t.Errorf("%s did not change", format)
		}
	}
	now, then := harness.Partitions(t, s.Path(r.Artifact(t, "raw"))), harness.Partitions(t, first.Path(before.Artifact(t, "raw")))
	for name, same := range map[string]bool{"usr": true, "usr-verity": true, "root": false, "root-verity": false} {
		if (now[name].UUID == then[name].UUID) != same {
			t.Errorf("partition %s: %s after %s", name, now[name].UUID, then[name].UUID)
		}
	}
}
