package report

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
)

// failuresOf lists what is held against an artifact: by its verdict, by its
// tests, and by its controls where no verdict says which of them count.
func failuresOf(f Facts, catalogue []controls.Control) []Failure {
	all := []Failure{}
	if f.Verdict != nil {
		for _, r := range f.Verdict.Rules {
			if r.Outcome == gate.Fail {
				all = append(all, ruleFailures(f, r, catalogue)...)
			}
		}
	} else {
		for _, r := range f.Controls {
			if !r.Passed {
				all = append(all, controlFailure(r.ID, r.Detail, controlOf(catalogue, r.ID)))
			}
		}
	}
	for _, t := range f.Tests {
		if !t.Passed {
			all = append(all, Failure{
				What: t.Name, Rule: policy.RuleTests, Observed: cmp.Or(t.Detail, "it failed"), Expected: "the test passes",
				Fix: "mend what the test asks of; bakelite run or boot starts the artifact for a look at it",
			})
		}
	}
	return all
}

func ruleFailures(f Facts, r gate.Rule, catalogue []controls.Control) []Failure {
	if len(r.Violations) == 0 {
		return []Failure{violationFailure(r, gate.Violation{ID: r.Name})}
	}
	var all []Failure
	for _, v := range r.Violations {
		switch c := controlOf(catalogue, v.ID); {
		case r.Name == policy.RuleHardening && c.ID != "":
			all = append(all, controlFailure(v.ID, strings.TrimPrefix(strings.TrimPrefix(v.Detail, c.Title), ": "), c))
		case r.Name == policy.RuleTests && len(failed(f.Tests)) > 0:
			// Each test that failed is told by itself.
		default:
			all = append(all, violationFailure(r, v))
		}
	}
	if r.MoreViolations > 0 {
		all = append(all, Failure{
			What: fmt.Sprintf("%d more of the rule %s", r.MoreViolations, r.Name), Rule: r.Name, Observed: r.Saw,
			Expected: wantOf(r.Name).expected, Fix: "the verdict lists the worst; mend those, and the next one lists what is left",
		})
	}
	return all
}

func failed(all []Test) []Test {
	return slices.DeleteFunc(slices.Clone(all), func(t Test) bool { return t.Passed })
}

func violationFailure(r gate.Rule, v gate.Violation) Failure {
	w := wantOf(r.Name)
	f := Failure{
		What: v.ID, Rule: r.Name, Severity: v.Severity, Observed: cmp.Or(v.Detail, r.Saw), Expected: w.expected, Fix: w.fix,
		Place: v.Path, Exception: exception(r.Name, v),
	}
	if v.Package != "" {
		f.Place = strings.TrimSpace(v.Package + " " + v.Version + " " + v.Path)
	}
	if r.Name == policy.RuleVulnerabilities {
		f.Observed = strings.TrimSuffix(fmt.Sprintf("%s %s has %s: %s", v.Package, v.Version, v.ID, v.Detail), ": ")
	}
	if v.FixedVersion != "" {
		f.Fix = fmt.Sprintf("take %s %s: bakelite rebuild", v.Package, v.FixedVersion)
	}
	return f
}

func controlFailure(id, detail string, c controls.Control) Failure {
	f := Failure{
		What: id, Rule: policy.RuleHardening, Observed: cmp.Or(detail, "it does not hold"), Expected: cmp.Or(c.Title, "the control holds"),
		Fix:       "take out of the app's files or steps what undoes it",
		Exception: exception(policy.RuleHardening, gate.Violation{ID: id}),
	}
	if sets := setsOf(c); len(sets) > 0 {
		f.Fix += "; the control sets " + strings.Join(sets, "; ")
	}
	for _, s := range c.Sets {
		if f.Place = cmp.Or(f.Place, s.Path, strings.Join(s.Paths, ", ")); f.Place != "" {
			break
		}
	}
	return f
}

// inLine ends the path of what is in a line of a file.
var inLine = regexp.MustCompile(`:\d+$`)

// exception is the narrowest waiver of the policy that lets a violation
// through, or "".
func exception(rule string, v gate.Violation) string {
	if !slices.Contains(policy.WaivableRules(), rule) {
		return ""
	}
	text := fmt.Sprintf("waivers:\n  - id: %s\n", quoted(v.ID))
	if v.Package != "" {
		text += fmt.Sprintf("    package: %s\n", quoted(v.Package))
	} else if v.Path != "" {
		text += fmt.Sprintf("    path: %s\n", quoted(path.Join("/", inLine.ReplaceAllString(v.Path, ""))))
	}
	return text + "    reason: WHY\n    owner: WHO\n    expires: YYYY-MM-DD\n"
}

// quoted is a text in YAML's double quotes, whose escapes JSON and Go share
// for what is printable.
func quoted(text string) string { return fmt.Sprintf("%q", text) }
