package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

// facts are a finding with a fix, which the example's nginx is older than, and
// one of zlib that nobody has fixed yet.
const facts = `[
  {"package": "nginx", "id": "CVE-2026-0001", "fixed": "99.0-1", "severity": "high"},
  {"package": "zlib", "id": "CVE-2026-0002", "fixed": "", "severity": "critical"}
]`

// TestGate publishes the example by one policy after the other. What a policy
// refuses is nowhere, and the report and the verdict that say why are kept.
func TestGate(t *testing.T) {
	s := openShop(t)
	risky := filepath.Join(folder(t), "db")
	makeDatabase(t, risky, time.Now().Add(-time.Hour), facts)
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
		"forbidden package":  {"gate: {forbiddenPackages: [\"nginx*\"]}\n", s.database, 6, []string{"forbidden-packages", "next:"}, "forbidden-packages nginx"},
		"finding with a fix": {"", risky, 6, []string{"vulnerabilities", "2 from high on", "bakelite rebuild", "waivers"}, "CVE-2026-0001 nginx"},
		"finding without a fix": {
			"gate: {vulnerabilities: {failOn: critical, unfixed: true}}\n", risky, 6, []string{"vulnerabilities", "1 from critical on"}, "CVE-2026-0002 zlib1g",
		},
		"without a fix, and not asked": {"gate: {vulnerabilities: {failOn: critical}}\n", risky, 0, []string{"1 critical, 2 high", "passed by policy"}, ""},
		"waived":                       {waiver(tomorrow), risky, 0, []string{"passed by policy", "waived", "CVE-2026-0001 until " + tomorrow + ": not reached (ops@example.com)"}, ""},
		"expired waiver":               {waiver(yesterday), risky, 6, []string{"waivers", "ops@example.com", yesterday}, "CVE-2026-0001 nginx"},
		"expired waiver of nothing":    {waiver(yesterday), s.database, 6, []string{"waivers", "ops@example.com", yesterday}, "CVE-2026-0001 "},
		"report only":                  {"gate: {mode: report-only}\n", risky, 0, []string{"reported by policy"}, "CVE-2026-0001 nginx"},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			shelf := registry.LayoutPrefix + filepath.Join(folder(t), "shelf")
			o := s.judged("--policy", s.policy(tt.policy), "--database", tt.database, "--registry", shelf)
			if verdict := s.verdict(); violations(verdict) != tt.violation && !strings.Contains(violations(verdict), tt.violation+"\n") || (verdict.Outcome == "failed") != (tt.code != 0) {
				t.Errorf("the verdict is %s, with %q", verdict.Outcome, violations(verdict))
			}
			if tt.code != 0 {
				o.want(t, tt.code, append(tt.said, "web.container.verdict.json")...)
				absent(t, shelf)
				return
			}
			o.result(t)
			s.run("inspect", "--public-key", s.public, shelf+"/web").want(t, 0).says(t, tt.said...)
		})
	}
	t.Run("reported is not passed", func(t *testing.T) {
		s.t = t
		shelf := registry.LayoutPrefix + filepath.Join(folder(t), "shelf")
		p := s.sold("--policy", s.policy("gate: {mode: report-only}\n"), "--database", risky, "--registry", shelf)
		if p.Verdict != "reported" {
			t.Errorf("published is %+v", p)
		}
		s.verify("--policy", s.policy(asks("")), shelf+"/web").want(t, 6, `is "reported"`)
		s.verify("--policy", s.policy("gate: {mode: report-only}\n"+asks("")), shelf+"/web").want(t, 0)
	})
}

// judged publishes and leaves no report of an earlier run beside the images.
func (s shop) judged(args ...string) outcome {
	s.t.Helper()
	for _, name := range []string{"report", "verdict"} {
		if err := os.RemoveAll(filepath.Join(s.out, "web.container."+name+".json")); err != nil {
			s.t.Fatal(err)
		}
	}
	return s.publish(args...)
}

// verdict reads the one beside the images, and the report that it judges.
func (s shop) verdict() gate.Verdict {
	s.t.Helper()
	var v gate.Verdict
	var r scan.Report
	for name, value := range map[string]any{"verdict": &v, "report": &r} {
		if err := json.Unmarshal([]byte(read(s.t, filepath.Join(s.out, "web.container."+name+".json"))), value); err != nil {
			s.t.Fatal(err)
		}
	}
	if r.Subject != v.Subject || v.Subject == "" || len(r.Packages) == 0 {
		s.t.Errorf("the report is about %q with %d packages, the verdict about %q", r.Subject, len(r.Packages), v.Subject)
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
	s := openShop(t)
	stale, empty := filepath.Join(folder(t), "db"), folder(t)
	makeDatabase(t, stale, time.Now().AddDate(0, 0, -8), "")
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
			s.t = t
			shelf := registry.LayoutPrefix + filepath.Join(folder(t), "shelf")
			s.publish("--database", tt.database, "--registry", shelf).want(t, tt.code, tt.texts...)
			absent(t, shelf)
		})
	}
	t.Run("stale, and the policy takes it", func(t *testing.T) {
		s.t = t
		s.sold("--database", stale, "--policy", s.policy("gate: {maxDatabaseAge: 720h}\n"), "--registry", registry.LayoutPrefix+folder(t))
	})
}

// TestSecretInTheImage puts a private key into the image, where a scanner might
// take it for a test's: no policy has to mention it for it to be refused, and
// nothing of it is shown.
func TestSecretInTheImage(t *testing.T) {
	s := branch(t)
	private := filepath.Join(folder(t), "web.pem")
	tool(t, "openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", private)
	text := read(t, private)
	writeFile(t, filepath.Join(s.dir, "site", "tests", "example.md"), text)
	shelf := registry.LayoutPrefix + filepath.Join(folder(t), "shelf")
	o := s.judged("--registry", shelf).want(t, 6, "secrets", "1 place", "next:")
	absent(t, shelf)
	if v := s.verdict(); !strings.Contains(violations(v), "private-key") {
		t.Errorf("the verdict has %q", violations(v))
	}
	line := strings.Split(text, "\n")[3]
	for _, name := range []string{"report", "verdict"} {
		if strings.Contains(read(t, filepath.Join(s.out, "web.container."+name+".json")), line) {
			t.Errorf("the %s shows the key", name)
		}
	}
	if strings.Contains(o.stderr+o.stdout, line) {
		t.Error("the key is shown")
	}
	s.judged("--registry", shelf, "--policy", s.policy("gate: {allowSecrets: true}\n")).result(t)
}

// TestUndoneControl has the app's own step undo hardening controls, which the
// hardening puts right again: it comes last. The controls are checked on what
// is published, whether its tests ran or not.
func TestUndoneControl(t *testing.T) {
	s := branch(t)
	s.replace("app.yaml", "service:\n", "steps:\n  - run: |\n      mkdir -m 777 /srv/open && chmod u+s /usr/bin/env && sed -i s/^root:[^:]*:/root::/ /etc/passwd\n      touch /etc/open && chmod 666 /etc/open\nservice:\n")
	s.replace("app.yaml", "vm:\n", "container: {shell: true}\nvm:\n")
	all := "gate: {minHardening: 100, allowSkippedTests: true}\n"
	shelf := registry.LayoutPrefix + filepath.Join(folder(t), "shelf")
	s.judged("--registry", shelf, "--skip-tests").want(t, 6, "tests")
	absent(t, shelf)
	s.sold("--registry", shelf, "--skip-tests", "--policy", s.policy(all))
	if i := s.inspect(shelf + "/web"); len(i.Tests.Hardening) < 8 || violations(*i.Verdict) != "" {
		t.Errorf("stated is %+v, the verdict has %q", i.Tests.Hardening, violations(*i.Verdict))
	}
}
