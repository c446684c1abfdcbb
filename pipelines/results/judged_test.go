package results

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

// TestForgedVerdict: what was judged counts as it was written, for the build
// whose artifact it was.
func TestForgedVerdict(t *testing.T) {
	f := Folder{Path: t.TempDir(), Vouch: vouchtest.Key(t)}
	built := Receipt{App: "web", Key: "sha256:1", Artifacts: []artifact.Artifact{{Kind: artifact.Disk, Format: "raw", Digest: "sha256:made"}}}
	if _, err := f.ReadJudged(built, "disk"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	want := Judged{Report: scan.Report{Subject: "sha256:a", ArtifactKind: "disk"}, Verdict: gate.Verdict{App: "web", Subject: "sha256:a", Outcome: gate.OutcomeFailed}}
	must(t, f.WriteJudged(built, "disk", want))
	if got, err := f.ReadJudged(built, "disk"); err != nil || got.Verdict.Outcome != gate.OutcomeFailed || got.Report.ArtifactKind != "disk" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := f.ReadJudged(Receipt{App: "web", Key: "sha256:2"}, "disk"); fault.KindOf(err) != fault.Missing {
		t.Errorf("another build: %v", err)
	}
	again := built
	again.Artifacts = []artifact.Artifact{{Kind: artifact.Disk, Format: "raw", Digest: "sha256:other"}}
	if _, err := f.ReadJudged(again, "disk"); fault.KindOf(err) != fault.Missing {
		t.Errorf("other bytes of the same key: %v", err)
	}
	path := f.JudgedPath("web", "disk", "verdict")
	must(t, os.WriteFile(path, []byte(`{"app":"web","subject":"sha256:a","outcome":"passed"}`), 0o600))
	if _, err := f.ReadJudged(built, "disk"); !errors.Is(err, vouch.ErrForeign) {
		t.Errorf("forged: %v", err)
	}
}
