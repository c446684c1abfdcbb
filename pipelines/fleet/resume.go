package fleet

import (
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/update"
)

// Resume returns the plan that a run carries out: the one that was just made,
// or what is left of one that was given. Into the run goes what others did
// that were killed, so that its report speaks for them too. A given plan that
// no longer holds, seen from the one made now, is a fault.Stale that says why.
func (f Fleet) Resume(r *Run, now update.Plan, given *update.Plan) (update.Plan, error) {
	r.plan = now.Digest()
	if given != nil {
		r.plan = given.Digest()
	}
	done := map[string]bool{}
	for _, j := range f.ended() {
		if given != nil && j.Plan != r.plan {
			continue
		}
		r.ended = append(r.ended, j)
		for _, o := range j.done() {
			if !done[o.App] && current(now, o.App) {
				done[o.App] = true
				r.Before = append(r.Before, o)
			}
		}
	}
	if given == nil {
		return now, nil
	}
	if broken := given.Without(now, done); len(broken) > 0 {
		return *given, fault.Hint(fault.New(fault.Stale, "the plan no longer holds:\n  %s", strings.Join(broken, "\n  ")), "plan again")
	}
	left := *given
	left.Apps = slices.DeleteFunc(slices.Clone(given.Apps), func(a update.Planned) bool { return done[a.App] })
	return left, nil
}

// current says whether there is nothing to do about an app.
func current(p update.Plan, name string) bool {
	return slices.ContainsFunc(p.Others, func(l update.Left) bool { return l.App == name && l.Action == update.Current })
}

// done are the apps that a run finished, sorted by name.
func (j *journal) done() []Outcome {
	var all []Outcome
	for _, o := range j.Outcomes {
		if o.State == Rebuilt || o.State == Same {
			o.Before = true
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b Outcome) int { return strings.Compare(a.App, b.App) })
	return all
}
