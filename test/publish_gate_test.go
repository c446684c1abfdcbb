package test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
	"github.com/bakelite/bakelite/test/harness"
)

// TestGate publishes the example by one policy after the other. What a policy
// refuses is nowhere, and the report and the verdict that say why are kept.
func TestGate(t *testing.T) {
	s := harness.OpenShop(t)
	risky := filepath.Join(harness.Folder(t), "db")
	harness.MakeDatabase(t, risky, time.Now().Add(-time.Hour), harness.Facts)
	day := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	tomorrow, yesterday := day(1), day(-1)
	waiver := func(day string) string {
		return "waivers: [{id: CVE-2026-0001, reason: not reached, owner: ops@example.com, expires: " + day + "}]\n"
	}
	for name, tt := range map[string]struct {
		policy, database string
		code             int
		said             []string // on stderr where it fails, else by inspect
		violation        string
	}{
		"forbidden package":  {"gate: {forbiddenPackages: [\"nginx*\"]}\n", s.Database, 6, []string{"forbidden-packages", "next:"}, "forbidden-packages nginx"},
		"finding with a fix": {"", risky, 6, []string{"vulnerabilities", "2 from high on", "bakelite rebuild", "waivers"}, "CVE-2026-0001 nginx"},
		"finding without a fix": {
			"gate: {vulnerabilities: {failOn: critical, unfixed: true}}\n", risky, 6, []string{"vulnerabilities", "1 from critical on"}, "CVE-2026-0002 zlib1g",
		},
		"without a fix, and not asked": {"gate: {vulnerabilities: {failOn: critical}}\n", risky, 0, []string{"1 critical, 2 high", "passed by policy"}, ""},
		"waived":                       {waiver(tomorrow), risky, 0, []string{"passed by policy", "waived", "CVE-2026-0001 until " + tomorrow + ": not reached (ops@example.com)"}, ""},
		"expired waiver":               {waiver(yesterday), risky, 6, []string{"waivers", "ops@example.com", yesterday}, "CVE-2026-0001 nginx"},
		"expired waiver of nothing":    {waiver(yesterday), s.Database, 6, []string{"waivers", "ops@example.com", yesterday}, "CVE-2026-0001 "},
		"report only":                  {"gate: {mode: report-only}\n", risky, 0, []string{"reported by policy"}, "CVE-2026-0001 nginx"},
	} {
		t.Run(name, func(t *testing.T) {
			s.T = t
			shelf := registry.LayoutPrefix + filepath.Join(harness.Folder(t), "shelf")
			o := s.Judged("--policy", s.Policy(tt.policy), "--database", tt.database, "--registry", shelf)
			if verdict := verdict(s); violations(verdict) != tt.violation && !strings.Contains(violations(verdict), tt.violation+"\n") || (verdict.Outcome == "failed") != (tt.code != 0) {
				t.Errorf("the verdict is %s, with %q", verdict.Outcome, violations(verdict))
			}
			if tt.code != 0 {
				o.Want(t, tt.code, append(tt.said, "web.container.verdict.json")...)
				harness.Absent(t, shelf)
				return
			}
			o.Result(t)
			s.Run("inspect", "--public-key", s.Public, shelf+"/web").Want(t, 0).Says(t, tt.said...)
		})
	}
	t.Run("reported is not passed", func(t *testing.T) {
		s.T = t
		shelf := registry.LayoutPrefix + filepath.Join(harness.Folder(t), "shelf")
		p := s.Sold("--policy", s.Policy("gate: {mode: report-only}\n"), "--database", risky, "--registry", shelf)
		if p.Verdict != "reported" {
			t.Errorf("published is %+v", p)
		}
		s.Verify("--policy", s.Policy(harness.Asks("")), shelf+"/web").Want(t, 6, `is "reported"`)
		s.Verify("--policy", s.Policy("gate: {mode: report-only}\n"+harness.Asks("")), shelf+"/web").Want(t, 0)
	})
}

// verdict reads the one beside the images, and the report that it judges.
func verdict(s harness.Shop) gate.Verdict {
	s.T.Helper()
	var v gate.Verdict
	var r scan.Report
	for name, value := range map[string]any{"verdict": &v, "report": &r} {
		if err := json.Unmarshal([]byte(harness.Read(s.T, filepath.Join(s.Out, "web.container."+name+".json"))), value); err != nil {
			s.T.Fatal(err)
		}
	}
	if r.Subject != v.Subject || v.Subject == "" || len(r.Packages) == 0 {
		s.T.Errorf("the report is about %q with %d packages, the verdict about %q", r.Subject, len(r.Packages), v.Subject)
	}
	return v
}

// violations lists what fails a verdict, one a line.
func violations(v gate.Verdict) string {
	var lines strings.Builder
	for _, r := range v.Rules {
		for _, o := range r.Violations {
			lines.WriteString(o.ID + " " + o.Package + "\n")
		}
	}
	return lines.String()
}

// TestDatabaseMissingOrStale publishes without one that can be judged by.
func TestDatabaseMissingOrStale(t *testing.T) {
	s := harness.OpenShop(t)
	stale, empty := filepath.Join(harness.Folder(t), "db"), harness.Folder(t)
	harness.MakeDatabase(t, stale, time.Now().AddDate(0, 0, -8), "")
	for name, tt := range map[string]struct {
		database string
		code     int
		texts    []string
	}{
		"stale":      {stale, 6, []string{"at most 168h", "next:"}},
		"empty":      {empty, 3, []string{"trivy.db", "next:"}},
		"no network": {strings.TrimPrefix(nobody(t)[1], "debian=http://") + "/db:2", 4, []string{"next:", "scanner.database"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.T = t
			shelf := registry.LayoutPrefix + filepath.Join(harness.Folder(t), "shelf")
			s.Publish("--database", tt.database, "--registry", shelf).Want(t, tt.code, tt.texts...)
			harness.Absent(t, shelf)
		})
	}
	t.Run("stale, and the policy takes it", func(t *testing.T) {
		s.T = t
		s.Sold("--database", stale, "--policy", s.Policy("gate: {maxDatabaseAge: 720h}\n"), "--registry", registry.LayoutPrefix+harness.Folder(t))
	})
}

// TestSecretInTheImage puts a private key into the image, where a scanner might
// take it for a test's: no policy has to mention it for it to be refused, and
// nothing of it is shown.
func TestSecretInTheImage(t *testing.T) {
	s := harness.Branch(t)
	private := filepath.Join(harness.Folder(t), "web.pem")
	harness.Tool(t, "openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", private)
	text := harness.Read(t, private)
	harness.WriteFile(t, filepath.Join(s.Dir, "site", "tests", "example.md"), text)
	shelf := registry.LayoutPrefix + filepath.Join(harness.Folder(t), "shelf")
	o := s.Judged("--registry", shelf).Want(t, 6, "secrets", "1 place", "next:")
	harness.Absent(t, shelf)
	if v := verdict(s); !strings.Contains(violations(v), "private-key") {
		t.Errorf("the verdict has %q", violations(v))
	}
	line := strings.Split(text, "\n")[3]
	for _, name := range []string{"report", "verdict"} {
		if strings.Contains(harness.Read(t, filepath.Join(s.Out, "web.container."+name+".json")), line) {
			t.Errorf("the %s shows the key", name)
		}
	}
	if strings.Contains(o.Stderr+o.Stdout, line) {
		t.Error("the key is shown")
	}
	s.Judged("--registry", shelf, "--policy", s.Policy("gate: {allowSecrets: true}\n")).Result(t)
}

// TestUndoneControl has the app's own step undo hardening controls, which the
// hardening puts right again: it comes last. The controls are checked on what
// is published, whether its tests ran or not.
func TestUndoneControl(t *testing.T) {
	s := harness.Branch(t)
	s.Replace("app.yaml", "service:\n", "steps:\n  - run: |\n      mkdir -m 777 /srv/open && chmod u+s /usr/bin/env && sed -i s/^root:[^:]*:/root::/ /etc/passwd\n      touch /etc/open && chmod 666 /etc/open\nservice:\n")
	s.Replace("app.yaml", "vm:\n", "container: {shell: true}\nvm:\n")
	all := "gate: {minHardening: 100, allowSkippedTests: true}\n"
	shelf := registry.LayoutPrefix + filepath.Join(harness.Folder(t), "shelf")
	s.Judged("--registry", shelf, "--skip-tests").Want(t, 6, "tests")
	harness.Absent(t, shelf)
	s.Sold("--registry", shelf, "--skip-tests", "--policy", s.Policy(all))
	if i := s.Inspect(shelf + "/web"); len(i.Tests.Hardening) < 8 || violations(*i.Verdict) != "" {
		t.Errorf("stated is %+v, the verdict has %q", i.Tests.Hardening, violations(*i.Verdict))
	}
}
