package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/scan"
)

// grace is how long a finding may stay.
type grace struct {
	// days are the policy's for its severity.
	days int
	// from is what they are counted from; zero gives no grace.
	from time.Time
	// words say what from is.
	words string
}

// grace counts from the day on which the fix came out, and where that is not
// known from the publication of the vulnerability, which is stricter. Without
// either date there is none.
func (e *evaluator) grace(f scan.Finding) grace {
	g := grace{days: e.policy.Gate.Vulnerabilities.GraceDays[scan.Severities()[e.severity(f.Severity)]]}
	fix := "the fix's date is not known"
	if f.FixedVersion == "" {
		fix = "there is no fix"
	}
	switch {
	case f.FixedVersion != "" && !f.FixedSince.After(e.now) && !trusted(f.FixedSince, f, e.updated).IsZero():
		g.from, g.words = f.FixedSince, "fixed since "+day(f.FixedSince)
	case f.Published.IsZero():
		g.words = "the publication's date is not known, " + fix
	case f.Published.After(e.now):
		g.words = "published " + day(f.Published) + ", which is yet to come"
	default:
		g.from, g.words = f.Published, "published "+day(f.Published)+", "+fix
	}
	return g
}

func (g grace) lasts(now time.Time) bool {
	return !g.from.IsZero() && now.Before(g.from.AddDate(0, 0, g.days))
}

// String says how many days there are and what they are counted from.
func (g grace) String() string { return count(g.days, "day", "days") + ", " + g.words }

// of names a finding in grace.
func (g grace) of(f scan.Finding) string {
	return fmt.Sprintf("%s of %s (%s)", clip(f.ID), clip(f.Package), g)
}

// detail says of a finding that fails what is wrong, and what its days of
// grace were counted from where its severity has some.
func (e *evaluator) detail(f scan.Finding) string {
	g := e.grace(f)
	switch {
	case g.days <= 0:
		return f.Title
	case f.Title == "":
		return "out of grace: " + g.String()
	}
	return "out of grace: " + g.String() + "; " + f.Title
}

// listed writes the first of some texts after a colon, sorted and each once.
func listed(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)
	text := ": " + strings.Join(texts[:min(len(texts), maxNamed)], ", ")
	if more := len(texts) - maxNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
