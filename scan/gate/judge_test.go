package gate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

var digest = "sha256:" + strings.Repeat("ab", 32)

const openssl = "pkg:deb/debian/openssl@3.5.1-1?arch=amd64&distro=debian-13"

// input is an artifact that a default policy lets through.
func input() gate.Input {
	return gate.Input{
		App: "web", ArtifactKind: "container", Digest: digest, Now: now, Policy: policy.Default(),
		Asked: &controls.Asked{}, Tests: gate.Tests{Passed: 3}, Hardening: hardened(33, "BK-7", "BK-9"),
		Report: &scan.Report{
			APIVersion: scan.APIVersion, Kind: "Report", Subject: digest, ArtifactKind: "container",
			Scanner: scan.Scanner{Name: "trivy", Version: "0.74.0"}, Scanned: now.Add(-time.Minute),
			Database: scan.Database{Ref: "db", Digest: "sha256:" + strings.Repeat("cd", 32), Updated: now.Add(-time.Hour)},
			Packages: []scan.Package{
				{Type: "debian", Name: "openssl", Version: "3.5.1-1", Arch: "amd64", PURL: openssl, Licences: []string{"Apache-2.0"}},
				{Type: "debian", Name: "telnet", Version: "0.17", Arch: "all", Licences: []string{"BSD-4-Clause", "GPL-3.0-only OR MIT"}},
			},
			OS: scan.OS{Family: "debian", Name: "13.8"},
		},
		Locked: &gate.Locked{
			Distribution: scan.OS{Family: "debian", Name: "13"},
			Packages: []scan.Package{
				{Name: "openssl", Version: "3.5.1-1", Arch: "amd64", Source: "openssl", SourceVersion: "3.5.1-1"},
				{Name: "telnet", Version: "0.17", Arch: "all", Source: "telnet", SourceVersion: "0.17"},
			},
		},
	}
}

// hardened are results of controls: of level 1 as many as hold, and one that
// does not apply; and of level 2 those that failed.
func hardened(pass int, failed ...string) []controls.Result {
	all := []controls.Result{{ID: "BK-0", Title: "n", Level: 1, Passed: true, NotApplicable: true}}
	for i := range pass {
		all = append(all, controls.Result{ID: fmt.Sprintf("BK-1%d", i), Title: "a", Level: 1, Passed: true})
	}
	for _, id := range failed {
		all = append(all, controls.Result{ID: id, Title: "what should hold", Level: 2, Detail: "does not"})
	}
	return all
}

// finding is one that a default policy fails.
func finding() scan.Finding {
	return scan.Finding{
		ID: "CVE-2026-1", Package: "openssl", Type: "debian", PURL: openssl, Version: "3.5.1-1", FixedVersion: "3.5.1-2",
		Severity: scan.High, Published: now.AddDate(0, 0, -10), Title: "a hole",
	}
}

func find(change func(*scan.Finding)) func(*gate.Input) {
	return func(in *gate.Input) {
		f := finding()
		change(&f)
		in.Report.Findings = append(in.Report.Findings, f)
	}
}

func waiver(id string) policy.Waiver {
	return policy.Waiver{ID: id, Reason: "not reachable", Owner: "ops@example.com", Expires: "2026-12-31"}
}

func ruleOf(t *testing.T, v gate.Verdict, name string) gate.Rule {
	t.Helper()
	i := slices.IndexFunc(v.Rules, func(r gate.Rule) bool { return r.Name == name })
	if i < 0 {
		t.Fatalf("no rule %s in %+v", name, v.Rules)
	}
	return v.Rules[i]
}

func TestJudge(t *testing.T) {
	gated := func(change func(*policy.Gate)) func(*gate.Input) {
		return func(in *gate.Input) { change(&in.Policy.Gate) }
	}
	vulns := func(change func(*policy.Vulnerabilities)) func(*gate.Input) {
		return func(in *gate.Input) { change(&in.Policy.Gate.Vulnerabilities) }
	}
	failOn := func(s string) func(*gate.Input) {
		return vulns(func(v *policy.Vulnerabilities) { v.FailOn = s })
	}
	grace := func(days int) func(*gate.Input) {
		return vulns(func(v *policy.Vulnerabilities) { v.GraceDays = map[string]int{"high": days} })
	}
	severity := func(s string) func(*gate.Input) { return find(func(f *scan.Finding) { f.Severity = s }) }
	any := find(func(*scan.Finding) {})
	unfixed := find(func(f *scan.Finding) { f.FixedVersion = "" })
	waive := func(change func(*policy.Waiver)) func(*gate.Input) {
		return func(in *gate.Input) {
			w := waiver("CVE-2026-1")
			change(&w)
			in.Policy.Waivers = append(in.Policy.Waivers, w)
		}
	}
	waived := func(id string) func(*gate.Input) { return waive(func(w *policy.Waiver) { w.ID = id }) }
	report := func(change func(*scan.Report)) func(*gate.Input) { return func(in *gate.Input) { change(in.Report) } }
	secret := report(func(r *scan.Report) {
		r.Secrets = []scan.Secret{{Rule: "private-key", Title: "a key", Severity: scan.High, Path: "etc/key.pem", Line: 1}}
	})
	forbid := func(patterns ...string) func(*gate.Input) {
		return gated(func(g *policy.Gate) { g.ForbiddenPackages = patterns })
	}
	licence := func(patterns ...string) func(*gate.Input) {
		return gated(func(g *policy.Gate) { g.ForbiddenLicences = patterns })
	}
	// hardening asks for a share of all controls, required for some of them.
	hardening := func(least int) func(*gate.Input) {
		return gated(func(g *policy.Gate) { g.MinHardening, g.RequiredControls = least, []string{policy.None} })
	}
	required := func(least int, ids ...string) func(*gate.Input) {
		return gated(func(g *policy.Gate) { g.MinHardening, g.RequiredControls = least, ids })
	}
	results := func(all []controls.Result) func(*gate.Input) { return func(in *gate.Input) { in.Hardening = all } }
	broken := func(in *gate.Input) { in.Hardening[5].Passed, in.Hardening[5].Detail = false, "it was undone" }
	skipped := func(in *gate.Input) { in.Tests = gate.Tests{Skipped: true, Passed: 1} }
	gives := func(names ...string) func(*gate.Input) {
		return func(in *gate.Input) {
			in.Asked.Rights = append(in.Asked.Rights, controls.Right{Path: "/usr/bin/tool", Capabilities: names})
		}
	}
	setUID := func(in *gate.Input) {
		in.Asked.Rights = append(in.Asked.Rights, controls.Right{Path: "/usr/bin/su", SetUID: true})
	}
	forbidRights := func(names ...string) func(*gate.Input) {
		return gated(func(g *policy.Gate) { g.ForbiddenRights = names })
	}
	executable := func(in *gate.Input) { in.Asked.Executable = []string{"/var/lib/varnish"} }
	alters := func(in *gate.Input) { in.Asked.Alters = []string{"/usr/sbin/nginx"} }
	changes := func(list ...func(*gate.Input)) []func(*gate.Input) { return list }
	tests := []struct {
		name    string
		changes []func(*gate.Input)
		rule    string // the rule to look at
		outcome string
		saw     string // part of what it saw
	}{
		{"clean", nil, policy.RuleVulnerabilities, gate.Pass, "no findings"},
		{"no policy at all", changes(any, func(in *gate.Input) { in.Policy = policy.Policy{} }), policy.RuleVulnerabilities, gate.Fail, "1 from high on"},

		{"no report", changes(func(in *gate.Input) { in.Report = nil }), policy.RuleReport, gate.Fail, "there is no scan report"},
		{"no report, findings", changes(func(in *gate.Input) { in.Report = nil }), policy.RuleVulnerabilities, gate.NotAsked, "no report to judge"},
		{"report about another", changes(report(func(r *scan.Report) { r.Subject = "sha256:" + strings.Repeat("0", 64) })), policy.RuleReport, gate.Fail, "not about this artifact"},
		{"report about nothing", changes(report(func(r *scan.Report) { r.Subject = "" })), policy.RuleReport, gate.Fail, "not about this artifact"},
		{"artifact without digest", changes(func(in *gate.Input) { in.Digest, in.Report.Subject = "", "" }), policy.RuleReport, gate.Fail, "no digest of the form"},
		{"report about another kind", changes(report(func(r *scan.Report) { r.ArtifactKind = "disk" })), policy.RuleReport, gate.Fail, "not about a container"},
		{"report of another form", changes(report(func(r *scan.Report) { r.APIVersion = "v2" })), policy.RuleReport, gate.Fail, "of the form"},
		{"report of another kind", changes(report(func(r *scan.Report) { r.Kind = "Verdict" })), policy.RuleReport, gate.Fail, "of the form"},
		{"report from the future", changes(report(func(r *scan.Report) { r.Scanned = now.Add(6 * time.Minute) })), policy.RuleReport, gate.Fail, "from the future"},
		{"clocks differ a little", changes(report(func(r *scan.Report) { r.Scanned = now.Add(4 * time.Minute) })), policy.RuleReport, gate.Pass, "trivy 0.74.0"},
		{"report without date", changes(report(func(r *scan.Report) { r.Scanned = time.Time{} })), policy.RuleReport, gate.Fail, "no date"},
		{"report cannot be waived", changes(func(in *gate.Input) { in.Report = nil }, waived(policy.RuleReport)), policy.RuleReport, gate.Fail, ""},

		{"database a week old", changes(report(func(r *scan.Report) { r.Database.Updated = now.Add(-168 * time.Hour) })), policy.RuleDatabase, gate.Pass, "168 h old"},
		{"database older", changes(report(func(r *scan.Report) { r.Database.Updated = now.Add(-169 * time.Hour) })), policy.RuleDatabase, gate.Fail, "169 h old; at most 168h"},
		{"database older, allowed", changes(report(func(r *scan.Report) { r.Database.Updated = now.Add(-169 * time.Hour) }), gated(func(g *policy.Gate) { g.MaxDatabaseAge = units.Duration(170 * time.Hour) })), policy.RuleDatabase, gate.Pass, ""},
		{"database older, waived", changes(report(func(r *scan.Report) { r.Database.Updated = now.Add(-169 * time.Hour) }), waived(policy.RuleDatabase)), policy.RuleDatabase, gate.Waived, ""},
		{"database without date", changes(report(func(r *scan.Report) { r.Database.Updated = time.Time{} })), policy.RuleDatabase, gate.Fail, "names no database"},
		{"database without digest", changes(report(func(r *scan.Report) { r.Database.Digest = "" })), policy.RuleDatabase, gate.Fail, "names no database"},
		{"database from the future", changes(report(func(r *scan.Report) { r.Database.Updated = now.Add(time.Hour) })), policy.RuleDatabase, gate.Fail, "from the future"},

		{"critical", changes(severity(scan.Critical)), policy.RuleVulnerabilities, gate.Fail, "1 finding (1 critical)"},
		{"high", changes(any), policy.RuleVulnerabilities, gate.Fail, "1 from high on"},
		{"medium", changes(severity(scan.Medium)), policy.RuleVulnerabilities, gate.Pass, "0 from high on"},
		{"medium, asked", changes(severity(scan.Medium), failOn("medium")), policy.RuleVulnerabilities, gate.Fail, ""},
		{"low, asked for medium", changes(severity(scan.Low), failOn("medium")), policy.RuleVulnerabilities, gate.Pass, ""},
		{"all let through", changes(severity(scan.Critical), failOn(policy.None)), policy.RuleVulnerabilities, gate.NotAsked, "there are 1"},
		{"a threshold that is none", changes(severity(scan.Low), failOn("serious")), policy.RuleVulnerabilities, gate.Fail, ""},
		{"unknown counts as medium", changes(severity(scan.Unknown)), policy.RuleVulnerabilities, gate.Pass, "1 unknown"},
		{"unknown counts as medium, asked", changes(severity(scan.Unknown), failOn("medium")), policy.RuleVulnerabilities, gate.Fail, ""},
		{"no severity", changes(severity(""), failOn("medium")), policy.RuleVulnerabilities, gate.Fail, ""},
		{"unknown counts as high", changes(severity(scan.Unknown), vulns(func(v *policy.Vulnerabilities) { v.UnknownAs = "high" })), policy.RuleVulnerabilities, gate.Fail, ""},
		{"unknown counts as low", changes(severity(scan.Unknown), failOn("medium"), vulns(func(v *policy.Vulnerabilities) { v.UnknownAs = "low" })), policy.RuleVulnerabilities, gate.Pass, ""},
		{"a severity nobody knows", changes(severity("HIGH"), failOn("critical")), policy.RuleVulnerabilities, gate.Fail, ""},
		{"without a fix", changes(unfixed), policy.RuleVulnerabilities, gate.Pass, "1 without a fix"},
		{"without a fix, asked", changes(unfixed, vulns(func(v *policy.Vulnerabilities) { v.Unfixed = true })), policy.RuleVulnerabilities, gate.Fail, ""},
		{"in grace", changes(any, grace(11)), policy.RuleVulnerabilities, gate.Pass, "1 in grace"},
		{"grace is over", changes(any, grace(10)), policy.RuleVulnerabilities, gate.Fail, ""},
		{"grace of another severity", changes(severity(scan.Critical), grace(11)), policy.RuleVulnerabilities, gate.Fail, ""},
		{"grace without date", changes(find(func(f *scan.Finding) { f.Published = time.Time{} }), grace(1_000_000)), policy.RuleVulnerabilities, gate.Fail, ""},
		{"grace from the future", changes(find(func(f *scan.Finding) { f.Published = now.Add(time.Hour) }), grace(30)), policy.RuleVulnerabilities, gate.Fail, ""},

		{"waived", changes(any, waive(func(*policy.Waiver) {})), policy.RuleVulnerabilities, gate.Waived, "1 waived"},
		{"waived for the package", changes(any, waive(func(w *policy.Waiver) { w.Package = "openssl" })), policy.RuleVulnerabilities, gate.Waived, ""},
		{"waived for another package", changes(any, waive(func(w *policy.Waiver) { w.Package = "curl" })), policy.RuleVulnerabilities, gate.Fail, ""},
		{"waived for this app", changes(any, waive(func(w *policy.Waiver) { w.Apps = []string{"db", "web"} })), policy.RuleVulnerabilities, gate.Waived, ""},
		{"waived for another app", changes(any, waive(func(w *policy.Waiver) { w.Apps = []string{"db"} })), policy.RuleVulnerabilities, gate.Fail, ""},
		{"another waived", changes(any, waived("CVE-2026-2")), policy.RuleVulnerabilities, gate.Fail, ""},
		{"one of two waived", changes(any, find(func(f *scan.Finding) { f.ID = "CVE-2026-2" }), waived("CVE-2026-2")), policy.RuleVulnerabilities, gate.Fail, "1 waived"},
		{"the rule waived", changes(any, waived(policy.RuleVulnerabilities)), policy.RuleVulnerabilities, gate.Waived, ""},
		{"the rule waived for a package", changes(any, waive(func(w *policy.Waiver) { w.ID, w.Package = policy.RuleVulnerabilities, "curl" })), policy.RuleVulnerabilities, gate.Fail, ""},
		{"a waiver without identifier", changes(find(func(f *scan.Finding) { f.ID = "" }), waived("")), policy.RuleVulnerabilities, gate.Fail, ""},

		{"no right", nil, policy.RuleRights, gate.Pass, "0 of 0 rights"},
		{"a right as good as root", changes(gives("sys_admin")), policy.RuleRights, gate.Fail, "1 of 1 right"},
		{"a right as good as root, beside another", changes(gives("net_raw", "dac_override")), policy.RuleRights, gate.Fail, "1 of 2 rights"},
		{"a small right", changes(gives("net_bind_service")), policy.RuleRights, gate.Pass, "0 of 1 right"},
		{"a small right, forbidden", changes(gives("net_raw"), forbidRights("net_raw")), policy.RuleRights, gate.Fail, ""},
		{"a large right, where another is forbidden", changes(gives("sys_admin"), forbidRights("net_raw")), policy.RuleRights, gate.Pass, ""},
		{"a set-uid bit", changes(setUID), policy.RuleRights, gate.Pass, "0 of 1 right"},
		{"a set-uid bit, forbidden", changes(setUID, forbidRights("set-gid", "set-uid")), policy.RuleRights, gate.Fail, ""},
		{"a set-uid bit, set-gid forbidden", changes(setUID, forbidRights("set-gid")), policy.RuleRights, gate.Pass, ""},
		{"all rights forbidden", changes(setUID, gives("net_bind_service"), forbidRights("all")), policy.RuleRights, gate.Fail, "2 of 2 rights"},
		{"no right forbidden", changes(gives("sys_admin"), forbidRights(policy.None)), policy.RuleRights, gate.Pass, ""},
		{"a right waived for its path", changes(gives("sys_admin"), waive(func(w *policy.Waiver) { w.ID, w.Path = policy.RuleRights, "/usr/bin/tool" })), policy.RuleRights, gate.Waived, ""},
		{"a right waived for another path", changes(gives("sys_admin"), waive(func(w *policy.Waiver) { w.ID, w.Path = policy.RuleRights, "/usr/bin/other" })), policy.RuleRights, gate.Fail, ""},
		{"programs in a writable folder", changes(executable), policy.RuleRights, gate.Pass, "0 of 1 right"},
		{"programs in a writable folder, forbidden", changes(executable, forbidRights("exec-writable")), policy.RuleRights, gate.Fail, "1 of 1 right"},
		{"programs in a writable folder, all forbidden", changes(executable, forbidRights("all")), policy.RuleRights, gate.Fail, "1 of 1 right"},
		{"rights without an app file", changes(gives("sys_admin"), func(in *gate.Input) { in.Asked = nil }), policy.RuleRights, gate.NotAsked, "nobody says"},

		{"no program replaced", nil, policy.RuleAltered, gate.Pass, "0 paths"},
		{"a program replaced", changes(alters), policy.RuleAltered, gate.Fail, "1 path of the system"},
		{"a program replaced, allowed", changes(alters, gated(func(g *policy.Gate) { g.AllowAltered = true })), policy.RuleAltered, gate.NotAsked, "1 path"},
		{"a program replaced, waived", changes(alters, waive(func(w *policy.Waiver) { w.ID, w.Path = policy.RuleAltered, "/usr/sbin/*" })), policy.RuleAltered, gate.Waived, ""},
		{"a program replaced, another waived", changes(alters, waive(func(w *policy.Waiver) { w.ID, w.Path = policy.RuleAltered, "/usr/bin/*" })), policy.RuleAltered, gate.Fail, ""},
		{"replaced without an app file", changes(alters, func(in *gate.Input) { in.Asked = nil }), policy.RuleAltered, gate.NotAsked, "nobody says"},

		{"waiver on its last day", changes(any, waive(func(w *policy.Waiver) { w.Expires = "2026-11-24" })), policy.RuleWaivers, gate.Pass, "none of 1 has expired"},
		{"waiver a day later", changes(any, waive(func(w *policy.Waiver) { w.Expires = "2026-11-23" })), policy.RuleWaivers, gate.Fail, "CVE-2026-1 (ops@example.com, 2026-11-23)"},
		{"waiver at midnight", changes(any, waive(func(w *policy.Waiver) { w.Expires = "2026-11-23" }), func(in *gate.Input) {
			in.Now = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
			in.Report.Scanned, in.Report.Database.Updated = in.Now, in.Now
		}), policy.RuleWaivers, gate.Fail, "2026-11-23"},
		{"expired lets nothing through", changes(any, waive(func(w *policy.Waiver) { w.Expires = "2026-11-23" })), policy.RuleVulnerabilities, gate.Fail, ""},
		{"expired that matched nothing", changes(waive(func(w *policy.Waiver) { w.Expires = "2020-01-01" })), policy.RuleWaivers, gate.Fail, "2020-01-01"},
		{"expired for another app", changes(waive(func(w *policy.Waiver) { w.Expires, w.Apps = "2020-01-01", []string{"db"} })), policy.RuleWaivers, gate.Fail, "2020-01-01"},
		{"a date that is none", changes(any, waive(func(w *policy.Waiver) { w.Expires = "soon" })), policy.RuleWaivers, gate.Fail, "soon"},
		{"expiry cannot be waived", changes(waive(func(w *policy.Waiver) { w.Expires = "2020-01-01" }), waived(policy.RuleWaivers)), policy.RuleWaivers, gate.Fail, ""},

		{"secret", changes(secret), policy.RuleSecrets, gate.Fail, "1 place looks like a secret"},
		{"secret allowed", changes(secret, gated(func(g *policy.Gate) { g.AllowSecrets = true })), policy.RuleSecrets, gate.NotAsked, "there are 1"},
		{"secret waived", changes(secret, waived("private-key")), policy.RuleSecrets, gate.Waived, ""},
		{"secret waived for a package", changes(secret, waive(func(w *policy.Waiver) { w.ID, w.Package = "private-key", "x" })), policy.RuleSecrets, gate.Fail, ""},

		{"packages not asked", nil, policy.RulePackages, gate.NotAsked, ""},
		{"package forbidden", changes(forbid("telnet")), policy.RulePackages, gate.Fail, "1 of 2 packages"},
		{"package forbidden by *", changes(forbid("tel*")), policy.RulePackages, gate.Fail, ""},
		{"package forbidden in the middle", changes(forbid("*el*et")), policy.RulePackages, gate.Fail, ""},
		{"all packages forbidden", changes(forbid("*")), policy.RulePackages, gate.Fail, "2 of 2"},
		{"another package forbidden", changes(forbid("telnetd", "elnet", "t*d")), policy.RulePackages, gate.Pass, ""},
		{"forbidden package waived", changes(forbid("telnet"), waive(func(w *policy.Waiver) { w.ID, w.Package = policy.RulePackages, "telnet" })), policy.RulePackages, gate.Waived, ""},

		{"licences not asked", nil, policy.RuleLicences, gate.NotAsked, ""},
		{"licence forbidden", changes(licence("apache-2.0")), policy.RuleLicences, gate.Fail, "1 of 2"},
		{"licence in an expression", changes(licence("GPL-3.0*")), policy.RuleLicences, gate.Fail, ""},
		{"another licence", changes(licence("AGPL*")), policy.RuleLicences, gate.Pass, ""},
		{"forbidden licence waived", changes(licence("GPL-3.0*"), waive(func(w *policy.Waiver) { w.ID, w.Package = policy.RuleLicences, "telnet" })), policy.RuleLicences, gate.Waived, ""},

		{"hardening not asked", changes(hardening(0)), policy.RuleHardening, gate.NotAsked, "33 of 35 controls pass, 1 do not apply"},
		{"all of level 1 by default", nil, policy.RuleHardening, gate.Pass, "33 of 35"},
		{"one of level 1 failed", changes(broken), policy.RuleHardening, gate.Fail, "32 of 35"},
		{"one of level 1 failed, no policy at all", changes(broken, func(in *gate.Input) { in.Policy = policy.Policy{} }), policy.RuleHardening, gate.Fail, ""},
		{"one of level 1 failed, waived", changes(broken, waived("BK-14")), policy.RuleHardening, gate.Waived, "1 waived"},
		{"one of level 1 failed, another waived", changes(broken, waived("BK-15")), policy.RuleHardening, gate.Fail, ""},
		{"one of level 1 failed, the rule waived", changes(broken, waived(policy.RuleHardening)), policy.RuleHardening, gate.Waived, ""},
		{"level 2 required", changes(required(0, "level 1", "level 2")), policy.RuleHardening, gate.Fail, ""},
		{"level 2 required, waived", changes(required(0, "level 2"), waived("BK-7"), waived("BK-9")), policy.RuleHardening, gate.Waived, "2 waived"},
		{"single ones required", changes(required(0, "BK-11", "BK-9")), policy.RuleHardening, gate.Fail, ""},
		{"single ones required that hold", changes(broken, required(0, "BK-11")), policy.RuleHardening, gate.Pass, ""},
		{"one required that does not apply", changes(required(0, "BK-0")), policy.RuleHardening, gate.Pass, ""},
		{"a share of the others", changes(required(1, "level 1")), policy.RuleHardening, gate.Fail, "of those that are not required 0 of 2 pass: 1% are asked for"},
		{"a share of the others, waived", changes(required(1, "level 1"), waived("BK-7"), waived("BK-9")), policy.RuleHardening, gate.Fail, ""},
		{"a share of no others", changes(results(hardened(33)), required(90, "level 1")), policy.RuleHardening, gate.Pass, ""},
		{"a share of many others", changes(broken, required(96, "BK-11")), policy.RuleHardening, gate.Fail, "32 of 35"},
		{"hardening enough", changes(hardening(94)), policy.RuleHardening, gate.Pass, ""},
		{"hardening too little", changes(hardening(95)), policy.RuleHardening, gate.Fail, "33 of 35"},
		{"hardening never checked", changes(results(nil)), policy.RuleHardening, gate.Fail, "0 of 0"},
		{"hardening never checked, a share asked", changes(hardening(1), results(hardened(0))), policy.RuleHardening, gate.Fail, "0 of 0"},
		{"all controls waived", changes(hardening(1), results(hardened(0, "BK-7")), waived("BK-7")), policy.RuleHardening, gate.Fail, ""},
		{"a control waived", changes(hardening(95), waived("BK-7")), policy.RuleHardening, gate.Waived, "1 waived"},
		{"a control waived, not enough", changes(hardening(100), waived("BK-7")), policy.RuleHardening, gate.Fail, ""},
		{"controls waived", changes(hardening(100), waived("BK-7"), waived("BK-9")), policy.RuleHardening, gate.Waived, "2 waived"},
		{"hardening waived", changes(hardening(100), waived(policy.RuleHardening)), policy.RuleHardening, gate.Waived, ""},

		{"tests passed", nil, policy.RuleTests, gate.Pass, "3 passed, 0 failed"},
		{"tests skipped", changes(skipped), policy.RuleTests, gate.Fail, "left out"},
		{"tests skipped, allowed", changes(skipped, gated(func(g *policy.Gate) { g.AllowSkippedTests = true })), policy.RuleTests, gate.Pass, "left out"},
		{"tests skipped, waived", changes(skipped, waived(policy.RuleTests)), policy.RuleTests, gate.Waived, ""},
		{"no test ran", changes(func(in *gate.Input) { in.Tests = gate.Tests{} }), policy.RuleTests, gate.Fail, "no test ran"},
		{"test failed", changes(func(in *gate.Input) { in.Tests.Failed = 1 }), policy.RuleTests, gate.Fail, "1 failed"},
		{"test failed, waived", changes(func(in *gate.Input) { in.Tests.Failed = 1 }, waived(policy.RuleTests)), policy.RuleTests, gate.Fail, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := input()
			for _, change := range tt.changes {
				change(&in)
			}
			v, passed, ok := gate.Judge(in)
			r := ruleOf(t, v, tt.rule)
			if r.Outcome != tt.outcome || !strings.Contains(r.Saw, tt.saw) {
				t.Errorf("%s: %s, not %s: %s", r.Name, r.Outcome, tt.outcome, r.Saw)
			}
			if (r.Outcome == gate.Fail) != (len(r.Violations) > 0) {
				t.Errorf("%s with %d violations", r.Outcome, len(r.Violations))
			}
			consistent(t, in, v, passed, ok)
		})
	}
}

// consistent holds a verdict to what always is so.
func consistent(t *testing.T, in gate.Input, v gate.Verdict, passed gate.Passed, ok bool) {
	t.Helper()
	failed := slices.ContainsFunc(v.Rules, func(r gate.Rule) bool { return r.Outcome == gate.Fail })
	lets := v.Outcome != gate.OutcomeFailed
	if ok != (lets && in.Asked != nil) || (v.Err() != nil) == lets || failed == (v.Outcome == gate.OutcomePassed) {
		t.Errorf("ok %v, outcome %s, a rule failed %v, error %v", ok, v.Outcome, failed, v.Err())
	}
	want := ""
	if ok {
		want = in.Digest
	}
	if passed.Digest() != want || ok && passed.Verdict().Subject != in.Digest {
		t.Errorf("the proof is for %q", passed.Digest())
	}
	if !lets && (fault.KindOf(v.Err()) != fault.Policy || fault.HintOf(v.Err()) == "") {
		t.Errorf("the error is %v", v.Err())
	}
	if len(v.Rules) != 12 || v.Policy != in.Policy.Digest() || v.Kind != gate.Kind {
		t.Errorf("%d rules, policy %s, kind %s", len(v.Rules), v.Policy, v.Kind)
	}
}
