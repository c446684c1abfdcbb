package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/scan"
)

const (
	// maxViolations bounds what a rule lists.
	maxViolations = 100
	// maxRunes bounds each text of a violation, which comes from the scanned
	// content.
	maxRunes = 200
)

func notAsked(name, why string) Rule { return Rule{Name: name, Outcome: NotAsked, Saw: why} }

// decide takes what a rule holds against the artifact, lets through what is
// waived, and says what that makes of the rule.
func (e *evaluator) decide(name string, against []Violation, counts map[string]int, saw string) Rule {
	failing := slices.DeleteFunc(slices.Clone(against), func(v Violation) bool { return e.waivers.letThrough(name, v) })
	waived := len(against) - len(failing)
	r := ruleOf(name, failing, saw)
	r.Counts = counts
	if waived > 0 {
		r.Saw += fmt.Sprintf("; %d waived", waived)
		r.Counts["waived"] = waived
		if len(failing) == 0 {
			r.Outcome = Waived
		}
	}
	return r
}

// ruleOf fails where there are violations, which no waiver lets through.
func ruleOf(name string, failing []Violation, saw string) Rule {
	r := Rule{Name: name, Outcome: Pass, Saw: saw}
	if len(failing) == 0 {
		return r
	}
	r.Outcome = Fail
	for i := range failing {
		failing[i] = failing[i].bounded()
	}
	slices.SortFunc(failing, worstFirst)
	r.Violations = failing[:min(len(failing), maxViolations)]
	r.MoreViolations = len(failing) - len(r.Violations)
	return r
}

func worstFirst(a, b Violation) int {
	return cmp.Or(
		cmp.Compare(rank(b.Severity), rank(a.Severity)),
		strings.Compare(a.ID, b.ID), strings.Compare(a.Package, b.Package), strings.Compare(a.Version, b.Version),
		strings.Compare(a.Path, b.Path), strings.Compare(a.FixedVersion, b.FixedVersion), strings.Compare(a.Detail, b.Detail),
	)
}

// rank is a severity's place; a word that is none counts as the worst, so
// that a scanner's new word lets nothing through.
func rank(severity string) int {
	all := scan.Severities()
	if i := slices.Index(all, severity); i >= 0 {
		return i
	}
	if severity == "" {
		return 0
	}
	return len(all) - 1
}

func (v Violation) bounded() Violation {
	for _, text := range []*string{&v.ID, &v.Package, &v.Version, &v.FixedVersion, &v.Severity, &v.Path, &v.Detail} {
		if r := []rune(*text); len(r) > maxRunes {
			*text = string(r[:maxRunes]) + "…"
		}
	}
	return v
}

// matches says whether text is what pattern says, * standing for any text.
func matches(pattern, text string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	if !strings.HasPrefix(text, head) {
		return false
	}
	text = text[len(head):]
	for {
		part, more, wild := strings.Cut(rest, "*")
		if !wild {
			return strings.HasSuffix(text, part)
		}
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text, rest = text[at+len(part):], more
	}
}
