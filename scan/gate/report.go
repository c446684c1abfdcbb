package gate

import (
	"fmt"
	"regexp"
	"time"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan"
)

// maxSkew is how far the clocks of two machines may differ.
const maxSkew = 5 * time.Minute

// maxAge bounds ages before they are compared, well below what a time span
// can hold (292 years).
const maxAge = 100 * 365 * 24 * time.Hour

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// report asks that there is a report of this very artifact which says what the
// lock says. Nothing waives it and it fails in every mode: without it nothing
// was judged.
func (e *evaluator) report(in Input) Rule {
	if why := e.wrong(in); why != "" {
		rule := ruleOf(policy.RuleReport, []Violation{{ID: policy.RuleReport, Detail: why}}, why)
		rule.hard = true
		return rule
	}
	r := in.Report
	counts := map[string]int{"packages": len(r.Packages)}
	saw := fmt.Sprintf("%s %s read it at %s; packages: %d",
		clip(r.Scanner.Name), clip(r.Scanner.Version), r.Scanned.UTC().Format(time.RFC3339), len(r.Packages))
	if in.Locked == nil {
		return Rule{Name: policy.RuleReport, Outcome: Pass, Saw: saw + "; no lock was there to compare them with", Counts: counts}
	}
	against := in.Locked.unlike(*r)
	counts["locked"] = len(in.Locked.Packages)
	saw += fmt.Sprintf("; of %d that the lock put into it %d are missing or differ", len(in.Locked.Packages), len(against))
	rule := ruleOf(policy.RuleReport, against, saw)
	rule.Counts, rule.hard = counts, true
	return rule
}

// wrong says why the report cannot be judged by, or "".
func (e *evaluator) wrong(in Input) string {
	r := in.Report
	switch {
	case !digestForm.MatchString(in.Digest):
		return fmt.Sprintf("the artifact has no digest of the form sha256:…, but %q", clip(in.Digest))
	case r == nil:
		return "there is no scan report"
	case r.APIVersion != scan.APIVersion || r.Kind != "Report":
		return fmt.Sprintf("the report is of the form %q %q, not %s Report", clip(r.APIVersion), clip(r.Kind), scan.APIVersion)
	case r.Subject != in.Digest:
		return fmt.Sprintf("the report is about %q, not about this artifact", clip(r.Subject))
	case r.ArtifactKind != in.ArtifactKind:
		return fmt.Sprintf("the report is about a %q, not about a %s", clip(r.ArtifactKind), in.ArtifactKind)
	case r.Scanned.IsZero():
		return "the report has no date"
	case r.Scanned.After(e.now.Add(maxSkew)):
		return fmt.Sprintf("the report is from the future: %s", r.Scanned.UTC().Format(time.RFC3339))
	case len(r.Packages) == 0:
		return "the report lists no package"
	case in.Locked == nil && !in.Unlocked:
		return "there is no lock to compare the report with"
	case in.Locked != nil && release(r.OS) != in.Locked.Distribution:
		return fmt.Sprintf("the report is about %q %q, and the lock's packages are of %s %s", clip(r.OS.Family), clip(r.OS.Name),
			in.Locked.Distribution.Family, in.Locked.Distribution.Name)
	}
	return ""
}

// database asks for a database that is young enough to know today's findings.
func (e *evaluator) database(db scan.Database) Rule {
	most := e.policy.Gate.MaxDatabaseAge
	age := min(e.now.Sub(db.Updated), maxAge)
	saw := fmt.Sprintf("the database is %d h old; at most %s is allowed", age/time.Hour, most)
	switch {
	case db.Digest == "" || db.Updated.IsZero():
		saw = "the report names no database with a digest and a date"
	case age < -maxSkew:
		saw = fmt.Sprintf("the database is from the future: %s", db.Updated.UTC().Format(time.RFC3339))
	case age <= most.Std():
		return Rule{Name: policy.RuleDatabase, Outcome: Pass, Saw: saw}
	}
	return e.decide(policy.RuleDatabase, []Violation{{ID: policy.RuleDatabase, Detail: saw}}, map[string]int{}, saw)
}

func clip(s string) string {
	if r := []rune(s); len(r) > maxRunes {
		return string(r[:maxRunes]) + "…"
	}
	return s
}
