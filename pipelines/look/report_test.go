package look

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/scan/gate"
	"github.com/bakelite/bakelite/scan/report"
)

// TestReport: the page says what is stated, whether anybody vouches for it, and
// what changed since another artifact.
func TestReport(t *testing.T) {
	s := newShop(t)
	s.publish()
	for name, tt := range map[string]struct {
		reader   Reader
		named    string
		verified bool
	}{
		"an image":       {s.r, s.image(), true},
		"a disk's file":  {s.r, s.file(), true},
		"by another key": {s.stranger(), s.image(), false},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := tt.reader.Report(t.Context(), tt.named, tt.named)
			flowtest.Must(t, err)
			a := p.Artifacts[0]
			if p.App != "web" || a.Trust.Verified != tt.verified || tt.verified != (len(a.Trust.Reasons) == 0) || a.Verdict == nil || a.Scan == nil || a.Built == nil || len(a.Tests) != 1 || len(a.Sizes) == 0 {
				t.Errorf("got %+v", a)
			}
			if a.Changes == nil || len(a.Changes.Packages) > 0 || a.Changes.Verified != tt.verified {
				t.Errorf("changes since itself: %+v", a.Changes)
			}
			var b bytes.Buffer
			flowtest.Must(t, report.HTML(&b, p))
		})
	}
	if _, err := s.r.Report(t.Context(), s.p.Folder.Layout("web"), ""); fault.KindOf(err) != fault.Missing {
		t.Errorf("of what nothing is stated: %v", err)
	}
}

// TestReportBuilt: of an app the page says what its receipt and the last
// verdict of this build say, as far as this state folder's key vouches for it.
func TestReportBuilt(t *testing.T) {
	s := newShop(t)
	if _, err := s.r.ReportBuilt(t.Context(), s.p.Folder, "web", "web", s.lock, ""); fault.KindOf(err) != fault.Missing {
		t.Errorf("nothing was built: %v", err)
	}
	of := func(folder results.Folder) report.Page {
		t.Helper()
		p, err := s.r.ReportBuilt(t.Context(), folder, "web", "web", s.lock, "")
		flowtest.Must(t, err)
		if len(p.Artifacts) != 2 {
			t.Fatalf("%d artifacts", len(p.Artifacts))
		}
		return p
	}
	flowtest.Built(t, s.p.Folder, s.lock, "key")
	if a := of(s.p.Folder).Artifacts[0]; a.Outcome() != "unjudged" || a.Verdict != nil || len(a.Tests) != 1 || !a.Trust.Verified {
		t.Errorf("before it is published: %+v", a)
	}
	s.publish()
	for _, a := range of(s.p.Folder).Artifacts {
		if a.Outcome() != gate.OutcomePassed || a.Scan == nil || len(a.Sizes) == 0 {
			t.Errorf("published: %+v", a)
		}
	}
	flowtest.Built(t, s.p.Folder, s.lock, "a later key")
	if a := of(s.p.Folder).Artifacts[0]; a.Verdict != nil || !strings.Contains(strings.Join(a.Trust.Reasons, ""), "of this build was not judged") {
		t.Errorf("built anew: %+v", a)
	}
	foreign := results.Folder{Path: s.p.Folder.Path, Vouch: vouchtest.Key(t)}
	if a := of(foreign).Artifacts[0]; a.Trust.Verified || !strings.Contains(strings.Join(a.Trust.Reasons, ""), "not written with this state folder") {
		t.Errorf("with another state folder: %+v", a)
	}
}

// TestReportOfAForgedVerdict: a verdict that another wrote into the results
// makes nothing pass.
func TestReportOfAForgedVerdict(t *testing.T) {
	s := newShop(t)
	s.publish()
	path := s.p.Folder.JudgedPath("web", "container", "verdict")
	text, err := os.ReadFile(path)
	flowtest.Must(t, err)
	flowtest.Must(t, os.WriteFile(path, append(text, ' '), 0o600))
	p, err := s.r.ReportBuilt(t.Context(), s.p.Folder, "web", "web", s.lock, "")
	flowtest.Must(t, err)
	if a := p.Artifacts[0]; a.Outcome() != "unjudged" || len(a.Trust.Reasons) != 1 {
		t.Errorf("got %+v", a)
	}
}
