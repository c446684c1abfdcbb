package show_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"math/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bakelite/bakelite/scan/controls"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
	"github.com/bakelite/bakelite/scan/show"
)

var update = flag.Bool("update", false, "write golden files anew")

var (
	now    = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	digest = "sha256:" + strings.Repeat("ab", 32)
	opts   = show.Options{App: "web", Refs: map[string]string{digest: "registry.example/web@" + digest}}
)

func reports() []scan.Report {
	container := scan.Report{
		APIVersion: scan.APIVersion, Kind: "Report", Subject: digest, ArtifactKind: "container",
		Scanner: scan.Scanner{Name: "trivy", Version: "0.74.0"}, Scanned: now,
		Database: scan.Database{Ref: "db", Digest: "sha256:" + strings.Repeat("cd", 32), Updated: now.Add(-time.Hour)},
		OS:       scan.OS{Family: "debian", Name: "13.2"},
		Packages: []scan.Package{{Type: "debian", Name: "openssl", Version: "3.5.1-1", Licences: []string{"Apache-2.0"}}},
		Findings: []scan.Finding{
			{ID: "CVE-2026-2", Package: "zlib1g", Type: "debian", Version: "1.3", Severity: scan.Low, Status: "affected"},
			{ID: "CVE-2026-1", Package: "openssl", Type: "debian", Version: "3.5.1-1", FixedVersion: "3.5.1-2", Severity: scan.Critical,
				Title: "A hole that is described at a length which no terminal of any usual width has room for", URL: "https://security.example/CVE-2026-1"},
			{ID: "CVE-2026-1", Package: "libssl3", Type: "debian", Version: "3.5.1-1", FixedVersion: "3.5.1-2", Severity: scan.High, Title: "A hole"},
			{ID: "GHSA-1", Package: "left-pad", Type: "npm", Path: "srv/my app/package.json", Version: "1.0.0", Severity: "odd", URL: "javascript://h/%0aalert(1)"},
		},
		Secrets: []scan.Secret{{Rule: "private-key", Title: "Asymmetric private key", Severity: scan.High, Path: "/etc/\x1b[31mkey\u202e.pem", Line: 3}},
	}
	disk := container
	disk.ArtifactKind, disk.Subject, disk.Findings, disk.Secrets = "disk", "sha256:"+strings.Repeat("ef", 32), nil, nil
	return []scan.Report{container, disk}
}

func verdict() gate.Verdict {
	r := reports()[0]
	p := policy.Default()
	p.Gate.Vulnerabilities.Unfixed = true
	p.Waivers = []policy.Waiver{
		{ID: "private-key", Reason: "a test key", Owner: "ops@example.com", Expires: "2026-12-31"},
		{ID: "CVE-2020-1", Reason: "gone by now", Owner: "ops@example.com", Expires: "2026-12-31"},
		{ID: "CVE-2020-2", Package: "curl", Reason: "later", Owner: "dev@example.com", Expires: "2026-01-31"},
	}
	v, _, _ := gate.Judge(gate.Input{
		App: "web", ArtifactKind: "container", Digest: digest, Report: &r, Policy: p, Now: now, Tests: gate.Tests{Passed: 4}, Asked: &controls.Asked{},
		Locked: &gate.Locked{Distribution: scan.OS{Family: "debian", Name: "13"}, Packages: r.Packages},
	})
	return v
}

func TestGolden(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer) error{
		"table.txt":        func(b *bytes.Buffer) error { return show.Table(b, reports(), opts) },
		"table_narrow.txt": func(b *bytes.Buffer) error { return show.Table(b, reports(), show.Options{Width: 60}) },
		"reports.json":     func(b *bytes.Buffer) error { return show.JSON(b, reports()) },
		"reports.sarif":    func(b *bytes.Buffer) error { return show.SARIF(b, reports(), opts) },
		"verdict.txt":      func(b *bytes.Buffer) error { return show.Verdict(b, verdict(), opts) },
		"verdict_wide.txt": func(b *bytes.Buffer) error { return show.Verdict(b, verdict(), show.Options{Width: 240}) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b.Bytes(), want) {
				t.Errorf("got\n%s\nwant\n%s\nrun with -update where that is right", b.Bytes(), want)
			}
		})
	}
}

// TestLinesAreBounded: no line is wider than asked for, and nothing that
// steers a terminal passes.
func TestLinesAreBounded(t *testing.T) {
	for _, width := range []int{50, 60, 80, 100, 132} {
		var b bytes.Buffer
		o := show.Options{Width: width, App: "web"}
		if err := show.Table(&b, reports(), o); err != nil {
			t.Fatal(err)
		}
		if err := show.Verdict(&b, verdict(), o); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			if n := utf8.RuneCountInString(line); n > width {
				t.Errorf("%d characters of %d: %q", n, width, line)
			}
			if strings.ContainsAny(line, "\x1b\u202e\r") {
				t.Errorf("steers the terminal: %q", line)
			}
		}
	}
}

func TestSameOutputInAnyOrder(t *testing.T) {
	shuffled := reports()
	f := shuffled[0].Findings
	rand.New(rand.NewSource(1)).Shuffle(len(f), func(i, j int) { f[i], f[j] = f[j], f[i] })
	for name, write := range map[string]func(*bytes.Buffer, []scan.Report) error{
		"table": func(b *bytes.Buffer, r []scan.Report) error { return show.Table(b, r, opts) },
		"sarif": func(b *bytes.Buffer, r []scan.Report) error { return show.SARIF(b, r, opts) },
	} {
		var first, second bytes.Buffer
		if err := write(&first, reports()); err != nil {
			t.Fatal(err)
		}
		if err := write(&second, shuffled); err != nil {
			t.Fatal(err)
		}
		if first.String() != second.String() {
			t.Errorf("%s differs with the order of findings", name)
		}
	}
}

func TestNothingToShow(t *testing.T) {
	var b bytes.Buffer
	if err := show.JSON(&b, nil); err != nil || b.String() != "[]\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
	b.Reset()
	if err := show.SARIF(&b, nil, show.Options{}); err != nil || !strings.Contains(b.String(), `"runs": []`) {
		t.Errorf("%q, %v", b.String(), err)
	}
	if err := show.Table(failing{}, reports(), opts); err == nil {
		t.Error("an error of the writer is lost")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, fmt.Errorf("no room") }

// TestSARIFHoldsToTheSchema checks what the schema of SARIF 2.1.0 asks for,
// and what GitHub's code scanning asks for beyond it.
func TestSARIFHoldsToTheSchema(t *testing.T) {
	var b bytes.Buffer
	o := opts
	o.Checks = []show.Checks{{Kind: "host", Ref: "here", All: []show.Check{
		{ID: "B-2", Title: "b", Severity: scan.High, Message: "is \x1b[31m open", Place: "/etc/a b", Fix: "close it"}, {ID: "A-1", Title: "a", Passed: true}, {ID: "B-2", Title: "b", Message: "twice"},
	}}}
	if err := show.SARIF(&b, reports(), o); err != nil {
		t.Fatal(err)
	}
	var log map[string]any
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log["version"] != "2.1.0" {
		t.Errorf("version %v", log["version"])
	}
	runs := log["runs"].([]any)
	if len(runs) != 3 {
		t.Fatalf("%d runs", len(runs))
	}
	if found := runs[2].(map[string]any)["results"].([]any); len(found) != 2 || at(found[0], "ruleIndex") != 1.0 || at(found[0], "level") != "error" {
		t.Errorf("checks: %v", found)
	}
	ids := map[string]bool{}
	for _, r := range runs {
		run := r.(map[string]any)
		id := at(run, "automationDetails", "id").(string)
		if ids[id] {
			t.Errorf("two runs are called %s", id)
		}
		ids[id] = true
		checkRun(t, run)
	}
	if !strings.Contains(b.String(), "registry.example/web@"+digest) {
		t.Error("the artifact's reference is missing")
	}
}

func at(node any, keys ...string) any {
	for _, key := range keys {
		m, ok := node.(map[string]any)
		if !ok {
			return nil
		}
		node = m[key]
	}
	return node
}

func checkRun(t *testing.T, run map[string]any) {
	t.Helper()
	levels := map[any]bool{"none": true, "note": true, "warning": true, "error": true}
	if name, _ := at(run, "tool", "driver", "name").(string); name == "" {
		t.Error("the tool has no name")
	}
	rules, _ := at(run, "tool", "driver", "rules").([]any)
	seen := map[any]bool{}
	for _, rule := range rules {
		id := at(rule, "id")
		if id == "" || seen[id] || at(rule, "shortDescription", "text") == "" || !levels[at(rule, "defaultConfiguration", "level")] {
			t.Errorf("rule %v", rule)
		}
		seen[id] = true
		if help, ok := at(rule, "helpUri").(string); ok && !strings.HasPrefix(help, "https://") {
			t.Errorf("help at %s", help)
		}
	}
	for _, r := range run["results"].([]any) {
		index := int(at(r, "ruleIndex").(float64))
		if index >= len(rules) || at(rules[index], "id") != at(r, "ruleId") || !levels[at(r, "level")] {
			t.Errorf("result %v of rule %d", at(r, "ruleId"), index)
		}
		if text, _ := at(r, "message", "text").(string); text == "" {
			t.Errorf("result without message: %v", r)
		}
		if print, _ := at(r, "partialFingerprints", "bakeliteFinding/v1").(string); len(print) != 64 {
			t.Errorf("fingerprint %q", print)
		}
		locations := at(r, "locations").([]any)
		if len(locations) != 1 {
			t.Fatalf("%d locations", len(locations))
		}
		uri, _ := at(locations[0], "physicalLocation", "artifactLocation", "uri").(string)
		base, _ := at(locations[0], "physicalLocation", "artifactLocation", "uriBaseId").(string)
		if u, err := url.Parse(uri); err != nil || uri == "" || u.IsAbs() || strings.HasPrefix(uri, "/") || strings.ContainsAny(uri, " \x1b") || at(run, "originalUriBaseIds", base, "uri") == nil {
			t.Errorf("location %q of %q: %v", uri, base, err)
		}
		if line, _ := at(locations[0], "physicalLocation", "region", "startLine").(float64); line < 1 {
			t.Errorf("line %v", line)
		}
	}
}

// TestFingerprintsOutliveVersions: the same finding in the next build has the
// same fingerprint.
func TestFingerprintsOutliveVersions(t *testing.T) {
	prints := func(change func(*scan.Finding)) string {
		r := reports()[:1]
		r[0].Secrets, r[0].Findings = nil, r[0].Findings[1:2]
		change(&r[0].Findings[0])
		var b bytes.Buffer
		if err := show.SARIF(&b, r, opts); err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(b.String(), `"bakeliteFinding/v1": "`)
		return rest[:64]
	}
	first := prints(func(*scan.Finding) {})
	if prints(func(f *scan.Finding) { f.Version, f.FixedVersion, f.Title, f.Severity = "9", "10", "x", scan.Low }) != first {
		t.Error("a version changes the fingerprint")
	}
	if prints(func(f *scan.Finding) { f.Package = "other" }) == first {
		t.Error("another package has the same fingerprint")
	}
}

// TestJUnit counts what failed and what was left out, and is XML whatever the
// texts hold.
func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	err := show.JUnit(&b, []show.Suite{{Name: "web", Cases: []show.Case{
		{Name: "a", Seconds: 1.5}, {Name: "b <&>", Failure: "\x1b]]> \u202e\""}, {Name: "c", Skipped: "nothing to do"},
	}}, {Name: "none"}})
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Cases []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b.Bytes(), &read); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if read.Tests != 3 || read.Failures != 1 || read.Skipped != 1 || len(read.Suites) != 2 {
		t.Errorf("read %+v", read)
	}
	if c := read.Suites[0].Cases[1]; c.Name != "b <&>" || c.Failure == nil || c.Failure.Message != "\ufffd]]> \ufffd\"" {
		t.Errorf("read %+v", c)
	}
}
