package controls

import (
	"fmt"
	"slices"

	"github.com/bakelite/bakelite/internal/fault"
)

// MaxDetail bounds the detail of a result, in bytes.
const MaxDetail = 500

// Result says whether one control holds, and why not.
type Result struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Level int    `json:"level"`
	// Passed is true too where the control does not apply.
	Passed bool `json:"passed"`
	// NotApplicable says that there was nothing to look at; Detail says why.
	NotApplicable bool   `json:"notApplicable,omitempty"`
	Detail        string `json:"detail,omitempty"`
}

// Complete refuses results that are not one for each control, in their order;
// they come from another process or machine. The error is of kind Build.
func Complete(results []Result, cs []Control) error {
	wrong := func(format string, args ...any) error {
		err := fault.New(fault.Build, "reading the results of the hardening checks: "+format, args...)
		return fault.Hint(err, "the checks did not run to their end: look for messages above, and at what was checked")
	}
	if len(results) != len(cs) {
		return wrong("%d results for %d controls", len(results), len(cs))
	}
	for i, r := range results {
		switch c := cs[i]; {
		case r.ID != c.ID || r.Title != c.Title || r.Level != c.Level:
			return wrong("control %s has the result of %.20q", c.ID, r.ID)
		case len(r.Detail) > MaxDetail || Printable(r.Detail) != r.Detail:
			return wrong("the detail of control %s is too long or not plain", c.ID)
		case r.NotApplicable && !r.Passed:
			return wrong("control %s does not apply and failed", c.ID)
		}
	}
	return nil
}

// Printable puts "?" in the place of every byte that is not printable ASCII:
// names and texts of what is checked may hold anything.
func Printable(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}

// Score counts the results of one check.
type Score struct {
	Passed        int `json:"passed"`
	Failed        int `json:"failed"`
	NotApplicable int `json:"notApplicable"`
}

// ScoreOf counts results.
func ScoreOf(results []Result) Score {
	var s Score
	for _, r := range results {
		switch {
		case r.NotApplicable:
			s.NotApplicable++
		case r.Passed:
			s.Passed++
		default:
			s.Failed++
		}
	}
	return s
}

// String writes a score as "33 of 35".
func (s Score) String() string { return fmt.Sprintf("%d of %d", s.Passed, s.Passed+s.Failed) }

// Merge joins the results of checks of one artifact, such as of its image and
// of the machine that was booted from it: a control holds where it fails in
// none of them, and does not apply where it applies in none.
func Merge(checks ...[]Result) []Result {
	var all []Result
	at := map[string]int{}
	for _, r := range slices.Concat(checks...) {
		i, known := at[r.ID]
		switch {
		case !known:
			at[r.ID] = len(all)
			all = append(all, r)
		case !r.Passed && all[i].Passed, !r.NotApplicable && all[i].NotApplicable:
			all[i] = r
		}
	}
	return all
}
