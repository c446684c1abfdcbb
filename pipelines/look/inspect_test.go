package look

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/scan"
)

// TestInspect shows what is stated, as the policy's signers vouch for it or
// not: of who does not count it is shown too, with the reasons why.
func TestInspect(t *testing.T) {
	s := newShop(t)
	s.publish()
	nobody := s.r
	nobody.Policy.Verify.SignedBy = nil
	for name, tt := range map[string]struct {
		reader   Reader
		named    string
		verified bool
		stated   int // kinds of statements, the signature among them
		says     string
	}{
		"an image":           {s.r, s.image(), true, 8, ""},
		"a disk's file":      {s.r, s.file(), true, 8, ""},
		"by another key":     {s.stranger(), s.image(), false, 8, "by an allowed signer"},
		"of nobody":          {nobody, s.image(), false, 8, "no policy names whose signature counts"},
		"nothing is said":    {s.r, s.p.Folder.Layout("web"), false, 0, "nothing is attached"},
		"of nobody, nothing": {nobody, s.other(), false, 0, "no policy names"},
	} {
		t.Run(name, func(t *testing.T) {
			i, err := tt.reader.Inspect(t.Context(), s.find(tt.named))
			if err != nil || i.Verified != tt.verified || len(i.Statements) != tt.stated {
				t.Fatalf("got %+v, %v", i, err)
			}
			if says := strings.Join(i.Reasons, "\n"); tt.verified != (len(i.Reasons) == 0) || !strings.Contains(says, tt.says) {
				t.Errorf("reasons are %q", i.Reasons)
			}
			if tt.stated == 0 {
				return
			}
			if i.Provenance == nil || i.Report == nil || i.Verdict == nil || i.Tests == nil || i.Lock == nil || i.SBOM == nil {
				t.Errorf("not all of it is shown: %+v", i)
			}
			if tt.verified && len(i.Signers) != 1 {
				t.Errorf("signed by %q", i.Signers)
			}
		})
	}
}

// TestInspectABrokenBundle shows the rest and says what is not shown.
func TestInspectABrokenBundle(t *testing.T) {
	s := newShop(t)
	s.publish()
	path := s.file() + results.BundlesSuffix
	text, err := os.ReadFile(path)
	flowtest.Must(t, err)
	lines := strings.SplitAfter(string(text), "\n")
	lines[3] = "{}\n"
	flowtest.Must(t, os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600))
	r := s.r
	r.Policy.Verify.SignedBy = nil
	i, err := r.Inspect(t.Context(), s.find(s.file()))
	if err != nil || len(i.Statements) != 7 || !slices.ContainsFunc(i.Reasons, func(why string) bool { return strings.HasPrefix(why, "not shown: ") }) {
		t.Errorf("got %+v, %v", i, err)
	}
}

// TestInspectTakesTheNewest: of several reports, in whichever order, the newest
// counts, and all are counted.
func TestInspectTakesTheNewest(t *testing.T) {
	by := flowtest.NewRepository(t)
	by.Publish(by.Key, by.Report(2*time.Hour), by.Report(time.Hour), by.Report(3*time.Hour))
	r := Reader{}
	target, err := r.Find(t.Context(), by.Name)
	flowtest.Must(t, err)
	slices.Reverse(target.Bundles)
	for range 2 {
		i, err := r.Inspect(t.Context(), target)
		if err != nil || i.Report == nil || time.Since(i.Report.Scanned).Round(time.Hour) != time.Hour || i.Statements["https://bakelite.dev/attestation/scan/v1"] != 3 {
			t.Errorf("got %+v, %v", i, err)
		}
		slices.Reverse(target.Bundles)
	}
	var kept *scan.Report
	if err := newest(&kept, []byte("{"), func(*scan.Report, *scan.Report) bool { return true }); err == nil || kept != nil {
		t.Errorf("kept %v, %v", kept, err)
	}
}
