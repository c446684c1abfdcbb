package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/controls/catalogue"
	"github.com/bakelite/bakelite/scan/gate"
	"github.com/bakelite/bakelite/scan/report"
)

var update = flag.Bool("update", false, "write golden files anew")

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

var digest = "sha256:" + strings.Repeat("ab", 32)

// hostile is a text that breaks out of whatever is not escaped.
const hostile = "</style></script><script>alert(1)</script><img src=x onerror=alert(2)>\" ' & \u202e \x1b[31m ]]> {{.}}"

func facts(t *testing.T, findings int) report.Facts {
	t.Helper()
	r := scan.Report{
		APIVersion: scan.APIVersion, Kind: "Report", Subject: digest, ArtifactKind: "container", Scanned: now,
		Scanner: scan.Scanner{Name: "trivy", Version: "0.74.0"}, OS: scan.OS{Family: "debian", Name: "13.2"},
		Database: scan.Database{Digest: digest, Updated: now.Add(-time.Hour)},
		Packages: []scan.Package{{Type: "debian", Name: "openssl", Version: "3.5.1-1"}}, Findings: []scan.Finding{},
		Secrets: []scan.Secret{{Rule: "private-key", Title: "A key", Severity: scan.High, Path: "/etc/key.pem", Line: 3}},
	}
	for i := range findings {
		f := scan.Finding{
			ID: fmt.Sprintf("CVE-2026-%04d", i), Package: "openssl", Type: "debian", Version: "3.5.1-1", Severity: scan.Severities()[i%5],
			Title: "A hole that is described at some length, as those who find them do", URL: fmt.Sprintf("https://security.example/CVE-2026-%04d", i),
		}
		if i%2 == 0 {
			f.FixedVersion = "3.5.1-2"
		}
		r.Findings = append(r.Findings, f)
	}
	all := []controls.Result{
		{ID: "BK-FS-01", Level: 1, Detail: "/usr/bin/ping has the set-uid bit"}, {ID: "BK-FS-03", Level: 1, Passed: true},
		{ID: "BK-KRN-01", Level: 1, Passed: true, NotApplicable: true, Detail: "no kernel is there"}, {ID: "XX-1", Title: "of a later version", Level: 2, Passed: true},
	}
	p := policy.Default()
	p.Waivers = []policy.Waiver{{ID: "private-key", Reason: "a test key", Owner: "ops@example.com", Expires: "2026-12-31"}}
	v, _, _ := gate.Judge(gate.Input{
		App: "web", ArtifactKind: "container", Digest: digest, Report: &r, Policy: p, Now: now, Tests: gate.Tests{Passed: 1, Failed: 1}, Asked: &controls.Asked{},
		Locked: &gate.Locked{Distribution: scan.OS{Family: "debian", Name: "13"}, Packages: r.Packages}, Hardening: all,
	})
	return report.Facts{
		Name: "registry.example/web@" + digest, Kind: "container", Digest: digest, Trust: report.Trust{Verified: true, By: []string{"key sha256:12"}},
		Built: &report.Built{By: "https://builder.example", Bakelite: "1.0", Release: "1.4.2", Lock: digest, Started: now, Finished: now, Inputs: 60},
		Scan:  &r, Verdict: &v, Controls: all,
		Tests:   []report.Test{{Name: "starts", Passed: true, Seconds: 1.2, Detail: "started"}, {Name: "the page is served", Seconds: 3, Detail: "status 500"}},
		Sizes:   []report.Size{{Package: "nginx", Bytes: 2_000_000}, {Package: "openssl", Bytes: 500_000}},
		Changes: &report.Changes{Since: "registry.example/web:1.4.1", Packages: []report.Change{{Name: "debian nginx", From: "1.26", To: "1.27"}}},
		Verify:  []string{"bakelite verify registry.example/web@" + digest}, Run: []string{"bakelite run web"},
	}
}

func page(t *testing.T, findings int) report.Page {
	t.Helper()
	cs, err := catalogue.Load()
	must(t, err)
	return report.New("web", []report.Facts{facts(t, findings)}, cs)
}

func write(t *testing.T, p report.Page, form string) string {
	t.Helper()
	var b bytes.Buffer
	must(t, report.Write(&b, p, form))
	return b.String()
}

func TestGolden(t *testing.T) {
	for _, form := range report.Forms() {
		got := write(t, page(t, 7), form)
		golden := filepath.Join("testdata", "page."+form)
		if *update {
			must(t, os.WriteFile(golden, []byte(got), 0o644))
		}
		if want, err := os.ReadFile(golden); err != nil || got != string(want) {
			t.Errorf("%s is not as before (%v): run with -update where that is right", golden, err)
		}
	}
	if err := report.Write(&bytes.Buffer{}, report.Page{}, "pdf"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an unknown form is %v", err)
	}
}

// TestFailuresComeFirst: each failure says what was seen, what was expected,
// where, what to do, and what would let it through.
func TestFailuresComeFirst(t *testing.T) {
	p := page(t, 7)
	want := map[string]report.Failure{
		"BK-FS-01":           {Observed: "/usr/bin/ping has the set-uid bit", Expected: "No program runs with more rights than its caller", Fix: "no-special-bits", Exception: `id: "BK-FS-01"`},
		"CVE-2026-0004":      {Observed: "openssl 3.5.1-1 has CVE-2026-0004: A hole", Expected: "no known vulnerability", Place: "openssl 3.5.1-1", Fix: "take openssl 3.5.1-2: bakelite rebuild", Exception: `package: "openssl"`},
		"the page is served": {Observed: "status 500", Expected: "the test passes", Fix: "bakelite run"},
	}
	for _, f := range p.Artifacts[0].Failures {
		w, ok := want[f.What]
		delete(want, f.What)
		if ok && (!strings.Contains(f.Observed, w.Observed) || !strings.Contains(f.Expected, w.Expected) || !strings.Contains(f.Place, w.Place) || !strings.Contains(f.Fix, w.Fix) || !strings.Contains(f.Exception, w.Exception)) {
			t.Errorf("got %+v", f)
		}
	}
	if len(want) > 0 {
		t.Errorf("not among the failures: %v\n%+v", want, p.Artifacts[0].Failures)
	}
	text := write(t, p, "html")
	at := func(part string) int { return strings.Index(text, `<h3 id="`+part+`-1"`) }
	for i, part := range []string{"findings", "hardening", "tests", "sizes", "changes", "use"} {
		if before := []string{"failures", "findings", "hardening", "tests", "sizes", "changes"}[i]; at(before) < 0 || at(before) >= at(part) {
			t.Errorf("%s is at %d, %s at %d", before, at(before), part, at(part))
		}
	}
}

// TestUnverifiedIsNeverGood: what nobody vouches for is not shown as passed.
func TestUnverifiedIsNeverGood(t *testing.T) {
	f := facts(t, 0)
	f.Verdict.Outcome, f.Trust = gate.OutcomePassed, report.Trust{Reasons: []string{"no signer of the policy signed it"}}
	text := write(t, report.New("web", []report.Facts{f}, nil), "html")
	if strings.Contains(text, `badge good`) || !strings.Contains(text, "passed, unverified") || !strings.Contains(text, "<title>web: passed, unverified –") || !strings.Contains(text, "no signer of the policy signed it") {
		t.Error("what is unverified is shown as good")
	}
	if !strings.Contains(write(t, report.New("web", []report.Facts{f}, nil), "junit"), "<failure message=\"nobody who counts") {
		t.Error("what is unverified passes as JUnit")
	}
	f.Trust.Verified = true
	if text := write(t, report.New("web", []report.Facts{f}, nil), "html"); !strings.Contains(text, `badge good`) {
		t.Error("what is verified and passed is not shown so")
	}
}

// TestNarrowWaiver: the waiver that a page proposes for what is in a file lets
// nothing through in another one.
func TestNarrowWaiver(t *testing.T) {
	f := facts(t, 0)
	f.Verdict.Rules = []gate.Rule{{Name: policy.RuleSecrets, Outcome: gate.Fail, Violations: []gate.Violation{{ID: "private-key", Path: "srv/docs/k.pem:12"}}}}
	failures := report.New("web", []report.Facts{f}, nil).Artifacts[0].Failures
	i := slices.IndexFunc(failures, func(f report.Failure) bool { return f.What == "private-key" })
	if i < 0 || !strings.Contains(failures[i].Exception, "id: \"private-key\"\n    path: \"/srv/docs/k.pem\"\n") {
		t.Errorf("got %+v", failures)
	}
}

// TestThousandsOfFindings: the page stays within its bound, shows the worst and
// says how many it leaves out; hostile texts make it no longer.
func TestThousandsOfFindings(t *testing.T) {
	calm, wild := facts(t, 5000), facts(t, 5000)
	for i := range wild.Scan.Findings {
		f := &wild.Scan.Findings[i]
		f.ID, f.Title, f.Package = strings.Repeat(hostile, 3)+f.ID, strings.Repeat(hostile, 100), strings.Repeat("<", 4000)
	}
	for name, f := range map[string]report.Facts{"calm": calm, "wild": wild} {
		t.Run(name, func(t *testing.T) {
			text := write(t, report.New("web", []report.Facts{f, f}, nil), "html")
			rows := strings.Count(text, `data-label="Fixed in"`)
			if len(text) > report.MaxPage || rows == 0 || !strings.Contains(text, fmt.Sprintf("%d more are left out here", 5000-rows/2)) || !strings.Contains(text, "Findings (5000)") {
				t.Errorf("%d bytes, %d rows", len(text), rows)
			}
			first := text[strings.Index(text, "Known vulnerabilities"):]
			if first = first[strings.Index(first, `data-label="Severity"`):]; !strings.HasPrefix(first, `data-label="Severity"><span class="severity critical">`) {
				t.Errorf("the first is %.80s", first)
			}
			t.Logf("%d bytes, %d rows", len(text), rows)
		})
	}
	var p report.Page
	must(t, json.Unmarshal([]byte(write(t, report.New("web", []report.Facts{calm}, nil), "json")), &p))
	if n := len(p.Artifacts[0].Scan.Findings); n != 5000 {
		t.Errorf("the JSON form has %d findings", n)
	}
}

// hostilePage has a hostile text in every place for one.
func hostilePage(t *testing.T) report.Page {
	t.Helper()
	f := facts(t, 1)
	f.Name, f.Kind, f.Digest = hostile, hostile, hostile
	f.Trust = report.Trust{Reasons: []string{hostile}}
	f.Built = &report.Built{By: hostile, Bakelite: hostile, Release: hostile, Source: hostile, Lock: hostile}
	f.Scan.Findings = []scan.Finding{
		{ID: hostile, Package: hostile, Version: hostile, FixedVersion: hostile, Severity: hostile, Title: hostile, Path: hostile, URL: "javascript:alert(1)"},
		{ID: "CVE-1", Severity: "critical\" onmouseover=\"alert(1)", URL: "https://x.example/\"><script>alert(1)</script>"},
	}
	f.Scan.Secrets = []scan.Secret{{Rule: hostile, Title: hostile, Path: hostile}}
	f.Scan.OS, f.Scan.Scanner = scan.OS{Family: hostile, Name: hostile}, scan.Scanner{Name: hostile, Version: hostile}
	f.Verdict = &gate.Verdict{Outcome: hostile, Policy: hostile, Mode: hostile, Waivers: []gate.Waiver{{ID: hostile, Package: hostile, Path: hostile, Reason: hostile, Owner: hostile, Expires: hostile}}, Rules: []gate.Rule{
		{Name: hostile, Outcome: gate.Fail, Saw: hostile}, {Name: policy.RuleVulnerabilities, Outcome: gate.Fail, Violations: []gate.Violation{{ID: hostile, Package: hostile, Version: hostile, FixedVersion: hostile, Severity: hostile, Path: hostile, Detail: hostile}}},
	}}
	f.Tests = []report.Test{{Name: hostile, Detail: hostile}}
	f.Controls = []controls.Result{{ID: hostile, Title: hostile, Detail: hostile}}
	f.Sizes = []report.Size{{Package: hostile, Bytes: -5}}
	c := []report.Change{{Name: hostile, From: hostile, To: hostile}}
	f.Changes = &report.Changes{Since: hostile, Packages: c, Findings: c, Controls: c}
	f.Verify, f.Run = []string{hostile}, []string{hostile}
	return report.New(hostile, []report.Facts{f}, nil)
}

// TestHostileTextsStayText walks the page as a browser reads it: no element,
// attribute or address is there that the template has not.
func TestHostileTextsStayText(t *testing.T) {
	text := write(t, hostilePage(t), "html")
	if strings.ContainsAny(text, "\u202e\x1b") {
		t.Error("a character is on the page that is not to be seen")
	}
	root, err := html.Parse(strings.NewReader(text))
	must(t, err)
	count := map[string]int{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		for _, a := range n.Attr {
			checkAttribute(t, n.Data, a)
		}
	}
	if count["script"] != 1 || count["style"] != 1 || count["img"] != 0 || count["html"] != 1 {
		t.Errorf("elements: %v", count)
	}
	for _, form := range []string{"junit", "sarif", "json"} {
		text := write(t, hostilePage(t), form)
		if form == "junit" {
			err = xml.Unmarshal([]byte(text), new(struct{}))
		} else {
			err = json.Unmarshal([]byte(text), new(any))
		}
		if err != nil || form == "junit" && strings.ContainsAny(text, "\u202e\x1b") {
			t.Errorf("%s: %v", form, err)
		}
	}
}

func checkAttribute(t *testing.T, element string, a html.Attribute) {
	t.Helper()
	fetching := element == "a" && a.Key == "href"
	switch {
	case strings.HasPrefix(a.Key, "on"), a.Key == "src", a.Key == "srcset", a.Key == "style", a.Key == "action":
		t.Errorf("%s has %s=%q", element, a.Key, a.Val)
	case a.Key == "href" && (!fetching || !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "https://")):
		t.Errorf("%s leads to %q", element, a.Val)
	case a.Key == "class" && !regexp.MustCompile(`^[a-z ]*$`).MatchString(a.Val):
		t.Errorf("%s is of the class %q", element, a.Val)
	}
}

// TestPageLetsNothingElseRun: the page's own policy names its style and script
// by what they are, and nothing besides.
func TestPageLetsNothingElseRun(t *testing.T) {
	text := write(t, page(t, 1), "html")
	for _, part := range []string{"style", "script"} {
		body := regexp.MustCompile(`(?s)<` + part + `>(.*?)</` + part + `>`).FindStringSubmatch(text)
		if len(body) != 2 || len(body[1]) < 100 {
			t.Fatalf("no %s", part)
		}
		if hash := report.SourceHash(body[1]); !strings.Contains(html.UnescapeString(text), part+"-src "+hash) {
			t.Errorf("the policy does not name %s by %s", part, hash)
		}
	}
	if !strings.Contains(text, "default-src 'none';") || strings.Contains(text, "unsafe") {
		t.Error("the policy lets more in")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
