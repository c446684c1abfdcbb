package gate_test

import (
	"testing"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

// TestWaiverForAPath lets through what is in the files that it names, and
// nothing else.
func TestWaiverForAPath(t *testing.T) {
	secret := scan.Secret{Rule: "private-key", Severity: scan.High, Path: "/srv/docs/a.pem"}
	lined := secret
	lined.Line = 7
	module := finding()
	module.Path = "usr/lib/node_modules/x/package.json"
	for _, tt := range []struct {
		name, id, path string
		secrets        []scan.Secret
		findings       []scan.Finding
		passes         bool
	}{
		{"the file", "private-key", "/srv/docs/a.pem", []scan.Secret{secret}, nil, true},
		{"the file, with a line", "private-key", "/srv/docs/a.pem", []scan.Secret{lined}, nil, true},
		{"its folder", "private-key", "/srv/docs/*", []scan.Secret{lined}, nil, true},
		{"any folder", "private-key", "*/a.pem", []scan.Secret{lined}, nil, true},
		{"the rule", policy.RuleSecrets, "/srv/docs/*", []scan.Secret{secret}, nil, true},
		{"another file", "private-key", "/srv/docs/b.pem", []scan.Secret{secret}, nil, false},
		{"the folder itself", "private-key", "/srv/docs", []scan.Secret{secret}, nil, false},
		{"one of two", "private-key", "/srv/docs/*", []scan.Secret{secret, {Rule: "private-key", Path: "/etc/key.pem"}}, nil, false},
		{"a line is no name", "private-key", "/srv/docs/a.pem:7", []scan.Secret{lined}, nil, false},
		{"a module's file", module.ID, "/usr/lib/node_modules/*", nil, []scan.Finding{module}, true},
		{"a package without a file", module.ID, "*", nil, []scan.Finding{finding()}, false},
	} {
		in := input()
		in.Report.Secrets, in.Report.Findings = tt.secrets, tt.findings
		w := waiver(tt.id)
		w.Path = tt.path
		in.Policy.Waivers = []policy.Waiver{w}
		if v, _, ok := gate.Judge(in); ok != tt.passes {
			t.Errorf("%s: passes %v: %+v", tt.name, ok, v.Rules)
		} else if ok && (len(v.Waivers) != 1 || v.Waivers[0].Path != tt.path) {
			t.Errorf("%s: the verdict lists %+v", tt.name, v.Waivers)
		}
	}
}
