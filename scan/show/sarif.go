package show

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/scan"
)

// SARIF writes reports in the Static Analysis Results Interchange Format,
// version 2.1.0 (OASIS, 27 March 2020), one run per report, and one for each of
// the options' checks. Fingerprints hold
// no version and no digest, so that a finding stays the same one in the next
// build.
func SARIF(w io.Writer, reports []scan.Report, o Options) error {
	log := sarifLog{Schema: sarifSchema, Version: sarifVersion, Runs: []sarifRun{}}
	for _, r := range reports {
		log.Runs = append(log.Runs, runOf(r, o))
	}
	for _, c := range o.Checks {
		log.Runs = append(log.Runs, runOfChecks(c, o))
	}
	return encode(w, log)
}

func runOf(r scan.Report, o Options) sarifRun {
	run := sarifRun{
		Tool: sarifTool{Driver: sarifDriver{
			Name: cmp.Or(r.Scanner.Name, "unknown"), Version: r.Scanner.Version, Rules: rulesOf(r),
		}},
		AutomationDetails:  &sarifAutomation{ID: strings.Join([]string{"bakelite", cmp.Or(o.App, "app"), r.ArtifactKind}, "/") + "/"},
		OriginalURIBaseIDs: map[string]sarifArtifactLocation{rootID: {URI: "file:///"}},
		ColumnKind:         "utf16CodeUnits",
		Results:            []sarifResult{},
		Properties:         map[string]string{"artifactRef": o.ref(r.ArtifactKind, r.Subject), "artifactDigest": r.Subject, "artifactKind": r.ArtifactKind},
	}
	for _, f := range WorstFirst(r.Findings) {
		run.Results = append(run.Results, findingResult(f, r, o))
	}
	for _, s := range sortedSecrets(r.Secrets) {
		run.Results = append(run.Results, secretResult(s, r, o))
	}
	for i := range run.Results {
		result := &run.Results[i]
		result.RuleIndex, _ = slices.BinarySearchFunc(run.Tool.Driver.Rules, result.RuleID, func(rule sarifRule, id string) int {
			return strings.Compare(rule.ID, id)
		})
	}
	return run
}

func findingResult(f scan.Finding, r scan.Report, o Options) sarifResult {
	fix := "no fix is known"
	if f.FixedVersion != "" {
		fix = "fixed in " + f.FixedVersion
	}
	// What no file of its own holds stands where the artifact does.
	path := cmp.Or(f.Path, r.ArtifactKind, "artifact")
	return sarifResult{
		RuleID: findingRule(f), Level: level(Severity(f.Severity)),
		Message:             sarifText{Text: fmt.Sprintf("%s %s in %s has %s (%s): %s", f.Package, f.Version, o.ref(r.ArtifactKind, r.Subject), f.ID, Severity(f.Severity), fix)},
		Locations:           []sarifLocation{at(path, 0, f.Package+"@"+f.Version)},
		PartialFingerprints: fingerprint(f.ID, f.Type, f.Package, f.Path),
	}
}

func secretResult(s scan.Secret, r scan.Report, o Options) sarifResult {
	return sarifResult{
		RuleID: secretRule(s), Level: level(Severity(s.Severity)),
		Message:             sarifText{Text: fmt.Sprintf("%s in %s looks like a secret: %s", s.Path, o.ref(r.ArtifactKind, r.Subject), cmp.Or(s.Title, s.Rule))},
		Locations:           []sarifLocation{at(cmp.Or(s.Path, r.ArtifactKind, "artifact"), s.Line, "")},
		PartialFingerprints: fingerprint(s.Rule, "secret", "", fmt.Sprintf("%s:%d", s.Path, s.Line)),
	}
}

func findingRule(f scan.Finding) string { return cmp.Or(f.ID, "unnamed") }

func secretRule(s scan.Secret) string { return "secret/" + cmp.Or(s.Rule, "unnamed") }

// rulesOf returns a rule per identifier, sorted, of its worst severity.
func rulesOf(r scan.Report) []sarifRule {
	rules := []sarifRule{}
	seen := map[string]bool{}
	add := func(rule sarifRule) {
		if !seen[rule.ID] {
			seen[rule.ID] = true
			rules = append(rules, rule)
		}
	}
	for _, f := range WorstFirst(r.Findings) {
		add(rule(findingRule(f), "KnownVulnerability", f.Title, Severity(f.Severity), f.URL, "vulnerability"))
	}
	for _, s := range sortedSecrets(r.Secrets) {
		add(rule(secretRule(s), "Secret", s.Title, Severity(s.Severity), "", "secret"))
	}
	slices.SortFunc(rules, func(a, b sarifRule) int { return strings.Compare(a.ID, b.ID) })
	return rules
}

func rule(id, name, title, severity, help, tag string) sarifRule {
	if u, err := url.Parse(help); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		help = ""
	}
	return sarifRule{
		ID: id, Name: name, ShortDescription: sarifText{Text: cmp.Or(title, id)}, HelpURI: help,
		DefaultConfiguration: sarifConfiguration{Level: level(severity)},
		Properties:           sarifRuleProperties{Tags: []string{"security", tag}, Precision: "very-high", SecuritySeverity: score(severity)},
	}
}

func level(severity string) string {
	switch severity {
	case scan.Critical, scan.High:
		return "error"
	case scan.Medium:
		return "warning"
	}
	return "note"
}

// score is the middle of the severity's band of CVSS 3.1, section 5, in which
// readers of SARIF sort findings; what is unknown has the least.
func score(severity string) string {
	return map[string]string{scan.Critical: "9.5", scan.High: "8.0", scan.Medium: "5.5", scan.Low: "2.0"}[severity]
}

func at(path string, line int, logical string) sarifLocation {
	l := sarifLocation{PhysicalLocation: sarifPhysical{
		ArtifactLocation: sarifArtifactLocation{URI: (&url.URL{Path: strings.TrimLeft(path, "/")}).String(), URIBaseID: rootID},
		Region:           sarifRegion{StartLine: max(line, 1)},
	}}
	if logical != "" {
		l.LogicalLocations = []sarifLogical{{FullyQualifiedName: logical}}
	}
	return l
}

func fingerprint(parts ...string) map[string]string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return map[string]string{"bakeliteFinding/v1": hex.EncodeToString(sum[:])}
}
