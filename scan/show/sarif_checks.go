package show

import (
	"cmp"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/scan"
)

// Checks are what was checked on one thing; SARIF has a run for it.
type Checks struct {
	// Kind is what was checked: "container", "disk" or "host". Ref names it, and
	// Digest is its, where it has one.
	Kind, Ref, Digest string
	All               []Check
}

// Check is one of them.
type Check struct {
	ID, Title string
	Passed    bool
	// Severity is one of scan.Severities, for what does not pass.
	Severity string
	// Message says what is wrong, and Place in which file; "" is the whole.
	Message, Place string
	// Fix says what to do.
	Fix string
}

// runOfChecks lists those that do not pass, with a rule for each that was
// checked.
func runOfChecks(c Checks, o Options) sarifRun {
	run := sarifRun{
		Tool:               sarifTool{Driver: sarifDriver{Name: "bakelite", Rules: checkRules(c.All)}},
		AutomationDetails:  &sarifAutomation{ID: strings.Join([]string{"bakelite", cmp.Or(o.App, "app"), c.Kind, "checks"}, "/") + "/"},
		OriginalURIBaseIDs: map[string]sarifArtifactLocation{rootID: {URI: "file:///"}},
		ColumnKind:         "utf16CodeUnits",
		Results:            []sarifResult{},
		Properties:         map[string]string{"artifactRef": c.Ref, "artifactDigest": c.Digest, "artifactKind": c.Kind},
	}
	for _, check := range c.All {
		if check.Passed {
			continue
		}
		text := check.Title + ": " + check.Message
		if check.Fix != "" {
			text += ". " + check.Fix
		}
		index, _ := slices.BinarySearchFunc(run.Tool.Driver.Rules, check.ID, func(r sarifRule, id string) int { return strings.Compare(r.ID, id) })
		run.Results = append(run.Results, sarifResult{
			RuleID: check.ID, RuleIndex: index, Level: level(Severity(check.Severity)), Message: sarifText{Text: clean(text)},
			Locations: []sarifLocation{at(cmp.Or(clean(check.Place), c.Kind), 0, "")}, PartialFingerprints: fingerprint(check.ID, "check", c.Kind, check.Place),
		})
	}
	return run
}

// checkRules has a rule per identifier, sorted.
func checkRules(all []Check) []sarifRule {
	rules := []sarifRule{}
	for _, c := range all {
		rules = append(rules, rule(c.ID, "HardeningControl", c.Title, cmp.Or(c.Severity, scan.Medium), "", "hardening"))
	}
	slices.SortStableFunc(rules, func(a, b sarifRule) int { return strings.Compare(a.ID, b.ID) })
	return slices.CompactFunc(rules, func(a, b sarifRule) bool { return a.ID == b.ID })
}
