package gate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
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
	if strings.Contains(got, "    tests") {
		t.Errorf("what failed is said twice in\n%s", got)
	}
	hint := fault.HintOf(v.Err())
	for _, text := range []string{"bakelite rebuild", "take the secret out", "mend what the tests name", "waivers"} {
		if strings.Count(hint, text) != 1 {
			t.Errorf("%q is not once in %s", text, hint)
		}
	}
}

// TestRefusalNamesWhatIsForbidden: rules whose violations have no name of their
// own say on which package or path they failed.
func TestRefusalNamesWhatIsForbidden(t *testing.T) {
	in := input()
	in.Policy.Gate.ForbiddenPackages, in.Policy.Gate.ForbiddenLicences = []string{"telnet"}, []string{"Apache-*"}
	in.Asked = &controls.Asked{Rights: []controls.Right{{Path: "/usr/bin/tool", Capabilities: []string{"sys_admin"}}}, Alters: []string{"/usr/sbin/nginx"}}
	in.Report.Packages[0].Version = "9999"
	v, _, _ := gate.Judge(in)
	other := v.Err().Error()
	in.Report.Packages[0].Version = "3.5.1-1"
	v, _, _ = gate.Judge(in)
	got := v.Err().Error() + other
	for _, text := range []string{
		"\n    telnet 0.17 forbidden by telnet", "\n    openssl 3.5.1-1 under Apache-2.0", "\n    /usr/bin/tool the app file gives it sys_admin",
		"\n    /usr/sbin/nginx the app file alters", "\n    openssl 3.5.1-1 is 9999 amd64",
	} {
		if !strings.Contains(got, text) {
			t.Errorf("%q is not in\n%s", text, got)
		}
	}
	for _, text := range []string{"take the right out", "alters with gate.allowAltered"} {
		if hint := fault.HintOf(v.Err()); strings.Count(hint, text) != 1 {
			t.Errorf("%q is not once in %s", text, hint)
		}
	}
}
