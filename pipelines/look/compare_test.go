package look

import (
	"reflect"
	"testing"

	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/scan"
)

func TestCompare(t *testing.T) {
	a := Inspected{
		Name: "a",
		Report: &scan.Report{
			Packages: []scan.Package{{Type: "debian", Name: "gone", Version: "1"}, {Type: "debian", Name: "same", Version: "1"}, {Type: "debian", Name: "newer", Version: "1"}},
			Findings: []scan.Finding{{ID: "CVE-1", Package: "newer", Severity: scan.High, FixedVersion: "2"}},
		},
		Tests: &attest.Tests{Hardening: []attest.TestResult{{Name: "BK-1", Passed: true}}},
	}
	b := Inspected{
		Name: "b",
		Report: &scan.Report{
			Packages: []scan.Package{{Type: "debian", Name: "same", Version: "1"}, {Type: "debian", Name: "newer", Version: "2"}, {Type: "npm", Path: "app", Name: "come", Version: "3"}},
		},
		// A control that holds in the image alone does not hold.
		Tests: &attest.Tests{Hardening: []attest.TestResult{{Name: "BK-1", Passed: true}}, Booted: []attest.TestResult{{Name: "BK-1"}}},
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
