package look

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
	"github.com/bakelite/bakelite/scan/report"
)

// built is the page of what was built last.
func (s *shop) built(l *lock.Lock, since string) []report.Artifact {
	s.t.Helper()
	p, err := s.r.ReportBuilt(s.t.Context(), s.p.Folder, "web", "web", l, since)
	flowtest.Must(s.t, err)
	if len(p.Artifacts) != 2 || p.Artifacts[0].Kind != artifact.Container || p.Artifacts[1].Kind != artifact.Disk {
		s.t.Fatalf("the page is of %+v", p.Artifacts)
	}
	return p.Artifacts
}

// TestForgedReceipt: nobody vouches for a receipt that another wrote, whatever
// was judged of the build whose key it names.
func TestForgedReceipt(t *testing.T) {
	s := newShop(t)
	disk := s.publish().Artifacts[1].Digest
	path, forged := s.p.Folder.ReceiptPath("web"), digests.Of([]byte("forged"))
	text, err := os.ReadFile(path)
	flowtest.Must(t, err)
	flowtest.Must(t, os.WriteFile(path, bytes.ReplaceAll(text, []byte(disk), []byte(forged)), 0o600))
	artifacts := s.built(s.lock, "")
	for _, a := range artifacts {
		if a.Trust.Verified || len(a.Trust.By) > 0 || !slices.Contains(a.Trust.Reasons, "the receipt was not written with this state folder") {
			t.Errorf("the %s has the trust %+v", a.Kind, a.Trust)
		}
	}
	if artifacts[1].Digest != forged {
		t.Errorf("the page hides that %s became %s", forged, artifacts[1].Digest)
	}
	flowtest.Must(t, os.WriteFile(path, text, 0o600))
	if a := s.built(s.lock, "")[1]; !a.Trust.Verified || a.Digest != disk {
		t.Errorf("as it was: %+v", a)
	}
	flowtest.Must(t, os.WriteFile(path, text[1:], 0o600))
	_, err = s.r.ReportBuilt(t.Context(), s.p.Folder, "web", "my app", s.lock, "")
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.HintOf(err), "bakelite build 'my app'") {
		t.Errorf("no receipt: %v, %q", err, fault.HintOf(err))
	}
}

// TestVerdictInPart: a verdict without the report that it was made of, or one
// of them from an earlier build, is none. The other artifact keeps its own.
func TestVerdictInPart(t *testing.T) {
	s := newShop(t)
	s.publish()
	earlier := map[string][]byte{}
	for _, what := range []string{"report", "verdict"} {
		text, err := os.ReadFile(s.p.Folder.JudgedPath("web", artifact.Container, what))
		flowtest.Must(t, err)
		earlier[what] = text
	}
	first, err := s.p.Folder.Receipt("web")
	flowtest.Must(t, err)
	built := flowtest.Built(t, s.p.Folder, s.lock, "a later key")
	judged, err := s.p.Folder.ReadJudged(first, artifact.Container)
	flowtest.Must(t, err)
	for _, kind := range []string{artifact.Container, artifact.Disk} {
		judged.Report.Subject, judged.Verdict.Subject = "sha256:"+kind, "sha256:"+kind
		flowtest.Must(t, s.p.Folder.WriteJudged(built.Receipt, kind, judged))
	}
	for _, what := range slices.Sorted(maps.Keys(earlier)) {
		path := s.p.Folder.JudgedPath("web", artifact.Container, what)
		now, err := os.ReadFile(path)
		flowtest.Must(t, err)
		for name, reasons := range map[string]int{"gone": 0, "of an earlier build": 1} {
			flowtest.Must(t, os.Remove(path))
			if reasons > 0 {
				flowtest.Must(t, os.WriteFile(path, earlier[what], 0o600))
			}
			all := s.built(s.lock, "")
			if a := all[0]; a.Outcome() != "unjudged" || a.Verdict != nil || a.Scan != nil || len(a.Trust.Reasons) != reasons || len(a.Sizes) != 1 {
				t.Errorf("the %s is %s: %+v", what, name, a)
			}
			if all[1].Outcome() != gate.OutcomePassed {
				t.Errorf("the %s of the image is %s, and the disk is %s", what, name, all[1].Outcome())
			}
			flowtest.Must(t, os.WriteFile(path, now, 0o600))
		}
	}
	if a := s.built(s.lock, "")[0]; a.Outcome() != gate.OutcomePassed || a.Scan == nil {
		t.Errorf("as it was: %+v", a)
	}
	for name, l := range map[string]*lock.Lock{"no lock": nil, "a lock that was not built from": flowtest.Lock(s.app, digests.Of([]byte("changed")), "1")} {
		if a := s.built(l, "")[0]; len(a.Sizes) > 0 {
			t.Errorf("%s has the sizes %+v", name, a.Sizes)
		}
	}
}

// TestReportSince: an artifact is compared with what is named where that is of
// its kind; what was put in another app's place is not vouched for as that.
func TestReportSince(t *testing.T) {
	s := newShop(t)
	s.publish()
	shelf := filepath.Join(s.shelf, "shop")
	flowtest.Must(t, os.CopyFS(shelf, os.DirFS(filepath.Join(s.shelf, "web"))))
	another := registry.LayoutPrefix + shelf
	for name, tt := range map[string]struct {
		since    string
		kind     int
		verified bool
	}{"the image": {s.image(), 0, true}, "the disk": {s.disk(), 1, true}, "another app": {another, 0, false}} {
		all := s.built(s.lock, tt.since)
		c := all[tt.kind].Changes
		if c == nil || c.Verified != tt.verified || !strings.HasPrefix(c.Since, tt.since+"@sha256:") || len(c.Packages)+len(c.Findings) > 0 {
			t.Errorf("since %s: %+v", name, c)
		}
		if all[1-tt.kind].Changes != nil || !all[tt.kind].Trust.Verified {
			t.Errorf("since %s: of the other kind %+v, and the trust is %+v", name, all[1-tt.kind].Changes, all[tt.kind].Trust)
		}
	}
	p, err := s.r.Report(t.Context(), s.image(), another)
	flowtest.Must(t, err)
	if a := p.Artifacts[0]; !a.Trust.Verified || a.Changes.Verified {
		t.Errorf("since another app: %+v, the trust is %+v", a.Changes, a.Trust)
	}
}

// TestReportStops: what is reported on is looked for before what came earlier,
// and no page leaves out that this was not found.
func TestReportStops(t *testing.T) {
	s := newShop(t)
	s.publish()
	const earlier = "looking at the earlier version"
	gone := s.image() + "2"
	for name, tt := range map[string]struct{ named, says string }{
		"nothing is there": {gone, "looking for " + gone}, "nothing is stated": {s.p.Folder.Layout("web"), "nothing is stated"}, "nothing is earlier": {s.image(), earlier},
	} {
		_, err := s.r.Report(t.Context(), tt.named, gone)
		if err == nil || !strings.Contains(err.Error(), tt.says) || tt.says != earlier && strings.Contains(err.Error(), earlier) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p, err := s.r.ReportBuilt(t.Context(), s.p.Folder, "web", "web", s.lock, gone); err == nil || !strings.Contains(err.Error(), earlier) || len(p.Artifacts) > 0 {
		t.Errorf("of what was built: %+v, %v", p, err)
	}
	if len(s.Asked) > 0 {
		t.Errorf("a page is of what is known, and asked for %q", s.Asked)
	}
}

// TestStatedCommands: the commands on a page are of the artifact's kind and
// place, and a name is one word in them.
func TestStatedCommands(t *testing.T) {
	for name, tt := range map[string]struct {
		kind string
		run  int
	}{"registry.example/web": {artifact.Container, 2}, "oci:dist/web": {artifact.Container, 0}, "my disk; reboot.raw": {artifact.Disk, 0}} {
		f := statedFacts(Inspected{Name: name, Report: &scan.Report{ArtifactKind: tt.kind}})
		if len(f.Run) != tt.run || len(f.Verify) != 1 || strings.Contains(f.Verify[0], "my") && f.Verify[0] != "bakelite verify 'my disk; reboot.raw'" {
			t.Errorf("%s: %q, %q", name, f.Verify, f.Run)
		}
	}
}
