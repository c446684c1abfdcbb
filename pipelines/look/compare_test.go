package look

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/protocol"
)

func TestCompare(t *testing.T) {
	a := Inspected{
		Name: "a",
		Report: &scan.Report{
			Packages: []scan.Package{{Type: "debian", Name: "gone", Version: "1"}, {Type: "debian", Name: "same", Version: "1"}, {Type: "debian", Name: "newer", Version: "1"}},
			Findings: []scan.Finding{{ID: "CVE-1", Package: "newer", Severity: scan.High, FixedVersion: "2"}},
		},
		Tests: &intoto.Tests{Hardening: []intoto.TestResult{{Name: "BK-1", Passed: true}}},
	}
	b := Inspected{
		Name: "b",
		Report: &scan.Report{
			Packages: []scan.Package{{Type: "debian", Name: "same", Version: "1"}, {Type: "debian", Name: "newer", Version: "2"}, {Type: "npm", Path: "app", Name: "come", Version: "3"}},
		},
		// A control that holds in the image alone does not hold.
		Tests: &intoto.Tests{Hardening: []intoto.TestResult{{Name: "BK-1", Passed: true}}, Booted: []intoto.TestResult{{Name: "BK-1"}}},
	}
	got := Compare(a, b, map[string]string{"/f": "1"}, map[string]string{"/f": "2"})
	want := Difference{
		A: "a", B: "b",
		Packages: []Differs{{"debian gone", "1", ""}, {"debian newer", "1", "2"}, {"npm app come", "", "3"}},
		Findings: []Differs{{"CVE-1 newer", "high, fixed in 2", ""}},
		Controls: []Differs{{"BK-1", "holds", "fails"}},
		Files:    []Differs{{"/f", "1", "2"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.Same() || !Compare(a, a, nil, nil).Same() {
		t.Error("an artifact differs from itself, or two do not")
	}
}

// TestDiff compares by what is stated; what is not stated is scanned, and files
// are read of the content itself although an SBOM is vouched for.
func TestDiff(t *testing.T) {
	s := newShop(t)
	s.publish()
	layout := s.p.Folder.Layout("web")
	d, err := s.r.Diff(t.Context(), s.image(), layout, false)
	if err != nil || len(d.Packages)+len(d.Findings)+len(d.Files) > 0 || len(d.Controls) != 1 || d.Controls[0].B != "" {
		t.Errorf("got %+v, %v", d, err)
	}
	if want := []string{"database", "scanner", "checker"}; !slices.Equal(s.Asked, want) {
		t.Errorf("asked for %q, want %q", s.Asked, want)
	}
	s.Again()
	d, err = s.r.Diff(t.Context(), s.image(), s.image(), true)
	if err != nil || !d.Same() || !slices.Equal(s.Asked, []string{"list", "list"}) {
		t.Errorf("got %+v, %v, and asked for %q", d, err, s.Asked)
	}
	for _, root := range s.Roots {
		if root.Kind != protocol.Image || root.Digest != s.find(s.image()).Digest {
			t.Errorf("listed %+v", root)
		}
	}
	s.tidy()
	for fails, files := range map[string]bool{"list": true, "database": false, "scanner": false} {
		s.Again()
		s.Fails = fails
		if _, err := s.r.Diff(t.Context(), s.image(), layout, files); err == nil || !strings.Contains(err.Error(), fails+": out of order") {
			t.Errorf("no %s: %v", fails, err)
		}
		s.tidy()
	}
	if _, err := s.r.Diff(t.Context(), s.image(), s.image()+"2", false); err == nil {
		t.Error("nothing is like something")
	}
}
