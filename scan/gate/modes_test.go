package gate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

func TestReportOnlyLeavesATrace(t *testing.T) {
	in := input()
	in.Report.Findings = []scan.Finding{finding()}
	in.Policy.Gate.Mode = policy.ReportOnly
	v, passed, ok := gate.Judge(in)
	if !ok || passed.Digest() != digest || v.Outcome != gate.OutcomeReported || passed.Verdict().Outcome != gate.OutcomeReported || v.Mode != policy.ReportOnly {
		t.Errorf("ok %v: %+v", ok, v)
	}
	in.Report.Findings = nil
	if v, _, ok := gate.Judge(in); !ok || v.Outcome != gate.OutcomePassed {
		t.Errorf("nothing to report: %s", v.Outcome)
	}
	for name, change := range map[string]func(*gate.Input){
		"no report":      func(in *gate.Input) { in.Report = nil },
		"another digest": func(in *gate.Input) { in.Digest = "sha256:" + strings.Repeat("0", 64) },
		"failed test":    func(in *gate.Input) { in.Tests.Failed = 1 },
		"another word":   func(in *gate.Input) { in.Policy.Gate.Mode = "Report-Only"; in.Tests.Skipped = true },
	} {
		in := input()
		in.Policy.Gate.Mode = policy.ReportOnly
		change(&in)
		if v, passed, ok := gate.Judge(in); ok || passed.Digest() != "" || v.Outcome != gate.OutcomeFailed {
			t.Errorf("%s: a report-only policy lets it through", name)
		}
	}
}

func TestWaiversAreListed(t *testing.T) {
	in := input()
	in.Report.Findings = []scan.Finding{finding(), finding()}
	used, unused, elsewhere, expired := waiver("CVE-2026-1"), waiver("CVE-2026-3"), waiver("CVE-2026-4"), waiver("CVE-2026-5")
	elsewhere.Apps, expired.Expires = []string{"db"}, "2026-01-31"
	in.Policy.Waivers = []policy.Waiver{expired, elsewhere, unused, used}
	v, _, _ := gate.Judge(in)
	if len(v.Waivers) != 1 || v.Waivers[0].ID != "CVE-2026-1" || v.Waivers[0].Matched != 2 || v.Waivers[0].Owner != "ops@example.com" || v.Waivers[0].Reason == "" || v.Waivers[0].Expires != "2026-12-31" {
		t.Errorf("used: %+v", v.Waivers)
	}
	if len(v.Unused) != 1 || v.Unused[0].ID != "CVE-2026-3" {
		t.Errorf("unused: %+v", v.Unused)
	}
	if len(v.Expired) != 1 || v.Expired[0].ID != "CVE-2026-5" || !strings.Contains(v.Err().Error(), "CVE-2026-5 (ops@example.com, 2026-01-31)") {
		t.Errorf("expired: %+v, %v", v.Expired, v.Err())
	}
}

// TestProofCannotBeChanged: whoever holds the verdict or the proof's copy of
// it changes nothing that was proven.
func TestProofCannotBeChanged(t *testing.T) {
	v, passed, _ := gate.Judge(input())
	v.Rules[0].Outcome, v.Rules[0].Counts["packages"] = "x", 99
	passed.Verdict().Rules[0].Saw = "x"
	if r := passed.Verdict().Rules[0]; r.Outcome != gate.Pass || r.Saw == "x" || r.Counts["packages"] == 99 {
		t.Errorf("got %+v", r)
	}
	if (gate.Passed{}).Digest() != "" {
		t.Error("the zero value proves something")
	}
}

func TestViolationsAreBounded(t *testing.T) {
	in := input()
	for i := range 250 {
		f := finding()
		f.ID = fmt.Sprintf("CVE-2026-%04d", i)
		f.Title = strings.Repeat("é", 1000)
		if i == 249 {
			f.Severity = scan.Critical
		}
		in.Report.Findings = append(in.Report.Findings, f)
	}
	v, _, _ := gate.Judge(in)
	r := ruleOf(t, v, policy.RuleVulnerabilities)
	if len(r.Violations) != 100 || r.MoreViolations != 150 || r.Violations[0].ID != "CVE-2026-0249" || r.Counts["counted"] != 250 {
		t.Errorf("%d and %d more, first %s, counts %v", len(r.Violations), r.MoreViolations, r.Violations[0].ID, r.Counts)
	}
	if n := len([]rune(r.Violations[0].Detail)); n != 201 {
		t.Errorf("a text of %d characters", n)
	}
}

// many is an input with something of everything, drawn by r.
func many(r *rand.Rand) gate.Input {
	in := input()
	in.Policy.Gate.ForbiddenPackages, in.Policy.Gate.ForbiddenLicences = []string{"p1", "p2*"}, []string{"GPL-2*"}
	in.Policy.Gate.MinHardening = 40 + r.Intn(61)
	in.Policy.Gate.Vulnerabilities.Unfixed = r.Intn(2) == 0
	in.Policy.Gate.Vulnerabilities.GraceDays = map[string]int{"high": r.Intn(20), "low": r.Intn(20)}
	in.Policy.Gate.Vulnerabilities.FailOn = append(policy.Severities(), policy.None)[r.Intn(5)]
	in.Hardening = hardened(2+r.Intn(30), []string{"BK-1", "BK-2", "BK-3"}[:r.Intn(4)]...)
	in.Policy.Gate.RequiredControls = [][]string{nil, {"none"}, {"level 1", "BK-2"}, {"BK-12"}}[r.Intn(4)]
	if i := r.Intn(3 * len(in.Hardening)); i < len(in.Hardening) {
		in.Hardening[i].Passed, in.Hardening[i].NotApplicable = false, false
	}
	in.Tests.Skipped = r.Intn(8) == 0
	for range r.Intn(6) {
		f := finding()
		f.ID, f.Package = fmt.Sprintf("CVE-%d", r.Intn(4)), fmt.Sprintf("p%d", r.Intn(3))
		f.Severity = scan.Severities()[r.Intn(5)]
		f.FixedVersion = []string{"", "2"}[r.Intn(2)]
		f.Published, f.FixedSince = now.AddDate(0, 0, -r.Intn(20)), now.AddDate(0, 0, 2-r.Intn(20))
		in.Report.Findings = append(in.Report.Findings, f)
	}
	for i := range r.Intn(3) {
		in.Report.Packages = append(in.Report.Packages, scan.Package{Name: fmt.Sprintf("p%d", i), Version: "1", Licences: []string{[]string{"MIT", "MIT", "MIT", "GPL-2.0"}[r.Intn(4)]}})
	}
	for i := range max(0, r.Intn(6)-3) {
		in.Report.Secrets = append(in.Report.Secrets, scan.Secret{Rule: "key", Path: fmt.Sprint(i), Severity: scan.High})
	}
	for range r.Intn(5) {
		in.Policy.Waivers = append(in.Policy.Waivers, someWaiver(r))
	}
	return in
}

func someWaiver(r *rand.Rand) policy.Waiver {
	ids := append(policy.WaivableRules(), "CVE-0", "CVE-1", "CVE-2", "CVE-3", "key", "BK-1", "BK-2", "BK-3", "BK-10", "BK-12", policy.RuleReport, policy.RuleWaivers)
	w := waiver(ids[r.Intn(len(ids))])
	w.Package = []string{"", "", "p0", "p1", "p2"}[r.Intn(5)]
	w.Apps = [][]string{nil, {"web"}, {"db"}}[r.Intn(3)]
	return w
}

// TestWaiverNeverHarms: a waiver in force never turns a pass into a fail, of
// the verdict or of a rule.
func TestWaiverNeverHarms(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	passes, helped := 0, 0
	for range 5000 {
		in := many(r)
		before, _, okBefore := gate.Judge(in)
		in.Policy.Waivers = append(in.Policy.Waivers, someWaiver(r))
		after, _, ok := gate.Judge(in)
		if okBefore {
			passes++
		} else if ok {
			helped++
		}
		if okBefore && !ok {
			t.Fatalf("%+v turned a pass into %v", in.Policy.Waivers[len(in.Policy.Waivers)-1], after.Err())
		}
		for i := range before.Rules {
			if before.Rules[i].Outcome != gate.Fail && after.Rules[i].Outcome == gate.Fail {
				t.Fatalf("%s: %s", after.Rules[i].Name, after.Rules[i].Saw)
			}
		}
		in.Policy.Waivers[0].Expires = "2026-11-23"
		if _, _, ok := gate.Judge(in); ok {
			t.Fatal("an expired waiver was let pass")
		}
	}
	if passes < 200 || helped < 20 {
		t.Errorf("only %d passed before and %d were helped: the inputs test too little", passes, helped)
	}
}

// TestVerdictIsTheSameInAnyOrder shuffles all lists.
func TestVerdictIsTheSameInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	for range 300 {
		in := many(r)
		in.VEX = []gate.Document{document(t, "not_affected", openssl, now.Add(-time.Hour)), document(t, "affected", openssl, now.Add(-2*time.Hour))}
		want := verdictBytes(t, in)
		f, p, s, w, c := in.Report.Findings, in.Report.Packages, in.Report.Secrets, in.Policy.Waivers, in.Hardening
		r.Shuffle(len(f), func(i, j int) { f[i], f[j] = f[j], f[i] })
		r.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
		r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
		r.Shuffle(len(c), func(i, j int) { c[i], c[j] = c[j], c[i] })
		in.VEX[0], in.VEX[1] = in.VEX[1], in.VEX[0]
		if got := verdictBytes(t, in); !bytes.Equal(got, want) {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
		digest := in.Policy.Digest()
		r.Shuffle(len(w), func(i, j int) { w[i], w[j] = w[j], w[i] })
		got := bytes.ReplaceAll(verdictBytes(t, in), []byte(in.Policy.Digest()), []byte(digest))
		if !bytes.Equal(got, want) {
			t.Fatalf("waivers in another order gave\n%s\nwant\n%s", got, want)
		}
	}
}

func verdictBytes(t *testing.T, in gate.Input) []byte {
	t.Helper()
	v, _, _ := gate.Judge(in)
	data, err := v.JSON()
	if err != nil || !json.Valid(data) {
		t.Fatal(err)
	}
	return data
}
