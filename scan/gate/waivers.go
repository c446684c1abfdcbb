package gate

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/policy"
)

// waivers are those of the policy that speak of this app, and those that have
// expired, whatever app they are for.
type waivers struct {
	inForce []Waiver
	expired []Waiver
}

func newWaivers(all []policy.Waiver, app string, now time.Time) *waivers {
	ws := &waivers{}
	for _, w := range all {
		own := Waiver{ID: w.ID, Package: w.Package, Path: w.Path, Reason: w.Reason, Owner: w.Owner, Expires: w.Expires}
		// A date that cannot be read has passed: Validate refuses it, and a
		// policy that was never validated must not be laxer.
		until, err := w.Until()
		switch {
		case err != nil || !now.Before(until):
			ws.expired = append(ws.expired, own)
		case len(w.Apps) == 0 || slices.Contains(w.Apps, app):
			ws.inForce = append(ws.inForce, own)
		}
	}
	slices.SortFunc(ws.inForce, byText)
	slices.SortFunc(ws.expired, byText)
	return ws
}

func byText(a, b Waiver) int {
	return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(a.Package, b.Package), strings.Compare(a.Path, b.Path), strings.Compare(a.Expires, b.Expires),
		strings.Compare(a.Owner, b.Owner), strings.Compare(a.Reason, b.Reason))
}

// letThrough says whether a waiver speaks of v or of the whole rule, and
// counts it for each that does.
func (ws *waivers) letThrough(rule string, v Violation) bool {
	through := false
	for i := range ws.inForce {
		w := &ws.inForce[i]
		named := w.ID != "" && (w.ID == v.ID || w.ID == rule)
		if named && (w.Package == "" || w.Package == v.Package) && (w.Path == "" || v.file() != "" && matches(w.Path, v.file())) {
			w.Matched++
			through = true
		}
	}
	return through
}

// file is the path of what a violation is in, from the root on, or "".
func (v Violation) file() string {
	if v.Path == "" {
		return ""
	}
	file := v.Path
	if v.line > 0 {
		file = strings.TrimSuffix(file, fmt.Sprintf(":%d", v.line))
	}
	return path.Join("/", file)
}

// lists returns the waivers that matched, that did not, and that expired.
func (ws *waivers) lists() (used, unused, expired []Waiver) {
	used, unused, expired = []Waiver{}, []Waiver{}, []Waiver{}
	for _, w := range ws.inForce {
		if w.Matched > 0 {
			used = append(used, w)
		} else {
			unused = append(unused, w)
		}
	}
	return used, unused, append(expired, ws.expired...)
}

// expiry fails for every waiver whose last day is over, whether it would have
// matched or not: somebody promised to be done by then.
func (e *evaluator) expiry() Rule {
	expired := e.waivers.expired
	against := make([]Violation, len(expired))
	var names []string
	for i, w := range expired {
		detail := fmt.Sprintf("the waiver of %s expired on %s", w.Owner, w.Expires)
		against[i] = Violation{ID: w.ID, Package: w.Package, Detail: detail}
		names = append(names, fmt.Sprintf("%s (%s, %s)", clip(w.ID), clip(w.Owner), clip(w.Expires)))
	}
	total := len(expired) + len(e.waivers.inForce)
	counts := map[string]int{"expired": len(expired), "inForce": len(e.waivers.inForce)}
	saw := fmt.Sprintf("none of %d has expired", total)
	if len(expired) > 0 {
		const shown = 5
		saw = "expired: " + strings.Join(names[:min(len(names), shown)], ", ")
		if len(names) > shown {
			saw += fmt.Sprintf(" and %d more", len(names)-shown)
		}
	}
	r := ruleOf(policy.RuleWaivers, against, saw)
	r.Counts = counts
	return r
}
