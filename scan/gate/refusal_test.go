package gate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

// TestRefusalNamesTheWorst has more findings than an error names, a secret in
// a file whose name would clear the terminal, and a failed test.
func TestRefusalNamesTheWorst(t *testing.T) {
	in := input()
	for i := range 7 {
		f := finding()
		f.ID = fmt.Sprintf("CVE-2026-%d", i+1)
		in.Report.Findings = append(in.Report.Findings, f)
	}
	in.Report.Findings[6].Severity = scan.Critical
	in.Report.Secrets = []scan.Secret{{Rule: "private-key", Severity: scan.High, Path: "srv/\x1b[2Jkey.pem", Title: "Private Key"}}
	in.Tests.Failed = 1
	v, _, _ := gate.Judge(in)
	f := finding()
	about := strings.Join([]string{f.Package, f.Version, "fixed in", f.FixedVersion, f.Title}, " ")
	want := []string{
		"the policy lets web container not through:\n",
		"\n  vulnerabilities: 7 findings",
		"\n    CVE-2026-7 critical " + about + "\n    CVE-2026-1 " + f.Severity + " " + about,
		"\n    CVE-2026-4 " + f.Severity + " " + about + "\n    and 2 more\n",
		"\n    private-key high srv/\ufffd[2Jkey.pem Private Key\n",
		"\n  tests: ",
	}
	got := v.Err().Error()
	for _, text := range want {
		if !strings.Contains(got, text) {
			t.Errorf("%q is not in\n%s", text, got)
		}
	}
	hint := fault.HintOf(v.Err())
	for _, text := range []string{"bakelite rebuild", "take the secret out", "mend what the tests name", "waivers"} {
		if strings.Count(hint, text) != 1 {
			t.Errorf("%q is not once in %s", text, hint)
		}
	}
}
