package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan"
)

// What becomes of a finding, as verdicts count it.
const (
	counted    = "counted"
	suppressed = "suppressedByVEX"
	below      = "belowThreshold"
	unfixed    = "withoutFix"
	inGrace    = "inGrace"
)

// vulnerabilities bounds the known vulnerabilities.
func (e *evaluator) vulnerabilities(findings []scan.Finding) Rule {
	if e.policy.Gate.Vulnerabilities.FailOn == policy.None {
		return notAsked(policy.RuleVulnerabilities, fmt.Sprintf("the policy lets all findings through; there are %d", len(findings)))
	}
	counts := map[string]int{}
	var against []Violation
	var graced []string
	for _, f := range findings {
		becomes := e.outcome(f)
		counts[becomes]++
		counts[severityName(f.Severity)]++
		switch becomes {
		case inGrace:
			graced = append(graced, e.grace(f).of(f))
		case counted:
			against = append(against, Violation{
				ID: f.ID, Package: f.Package, Version: f.Version, FixedVersion: f.FixedVersion,
				Severity: f.Severity, Path: f.Path, Detail: e.detail(f),
			})
		}
	}
	return e.decide(policy.RuleVulnerabilities, against, counts, e.sawFindings(len(findings), counts)+listed(graced))
}

// outcome says what becomes of a finding, before waivers.
func (e *evaluator) outcome(f scan.Finding) string {
	v := e.policy.Gate.Vulnerabilities
	severity := e.severity(f.Severity)
	switch {
	case e.vex.suppress(f):
		return suppressed
	case severity < threshold(v.FailOn):
		return below
	case f.FixedVersion == "" && !v.Unfixed:
		return unfixed
	case e.grace(f).lasts(e.now):
		return inGrace
	}
	return counted
}

// severity is the rank of a severity; nobody's rating counts as the policy
// says.
func (e *evaluator) severity(s string) int {
	if s == scan.Unknown || s == "" {
		return max(rank(e.policy.Gate.Vulnerabilities.UnknownAs), rank(scan.Low))
	}
	return rank(s)
}

// threshold is the rank that fails; a word that is no severity fails all.
func threshold(failOn string) int {
	if i := slices.Index(scan.Severities(), failOn); i >= 0 {
		return i
	}
	return 0
}

// severityName is a severity as verdicts count it.
func severityName(s string) string { return scan.Severities()[rank(s)] }

func (e *evaluator) sawFindings(n int, counts map[string]int) string {
	if n == 0 {
		return "no findings"
	}
	var parts []string
	severities := scan.Severities()
	slices.Reverse(severities)
	for _, word := range severities {
		if counts[word] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[word], word))
		}
	}
	saw := fmt.Sprintf("%s (%s): %d from %s on", count(n, "finding", "findings"), strings.Join(parts, ", "), counts[counted], e.policy.Gate.Vulnerabilities.FailOn)
	for _, let := range []struct{ outcome, words string }{
		{unfixed, "without a fix"}, {suppressed, "suppressed by VEX"}, {inGrace, "in grace"},
	} {
		if counts[let.outcome] > 0 {
			saw += fmt.Sprintf("; %d %s", counts[let.outcome], let.words)
		}
	}
	return saw
}
