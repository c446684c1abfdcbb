package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/results"
)

// Run says how a plan is carried out.
type Run struct {
	Order
	// MaxFailures is how many apps may fail before no other is begun; 0 is any
	// number.
	MaxFailures int
	// Exact refuses what apt resolves where it is not what was planned.
	Exact bool
	// Before is what runs did that were killed, as Resume found.
	Before []Outcome
	// Do rebuilds one app; it may be called for several at once.
	Do func(ctx context.Context, a app.App, o bake.RebuildOptions) (*results.Built, error)

	plan  string     // its digest
	ended []*journal // the runs that this one speaks for
}

// Rebuild carries out a plan: what stands on another app after it, the others
// side by side, and each app that fails stops none but those that have no
// other reason than it. It returns one outcome for each app of the plan, in
// its order. What became of each is on disk at once; a run that was killed is
// taken up where it stopped by the next one. An app that is rebuilt and whose
// clock could not be written is Rebuilt, with the error.
func (f Fleet) Rebuild(ctx context.Context, p update.Plan, apps []app.App, r Run) ([]Outcome, error) {
	j, err := f.begin(r)
	if err != nil {
		return nil, err
	}
	for _, one := range r.ended {
		one.settle() // this run speaks for them
	}
	c := &crew{fleet: f, plan: p, apps: apps, run: r, journal: j, done: make(chan Outcome), finished: map[string]Outcome{}}
	c.carryOut(ctx)
	outcomes := []Outcome{}
	for _, planned := range p.Apps {
		outcomes = append(outcomes, c.finished[planned.App])
	}
	err = f.remember(func(m *memory) { m.failures(p, outcomes, f.Now().UTC()) })
	return outcomes, errors.Join(c.failure, err, j.end(ctx.Err() == nil))
}

// failures keeps which apps failed, for outdated to say.
func (m *memory) failures(p update.Plan, outcomes []Outcome, now time.Time) {
	for i, o := range outcomes {
		switch o.State {
		case Failed:
			m.Failed[p.Apps[i].File] = Attempt{At: now.Truncate(time.Second), Why: o.Why}
		case Rebuilt, Same:
			delete(m.Failed, p.Apps[i].File)
		}
	}
}

// crew carries out one plan.
type crew struct {
	fleet   Fleet
	plan    update.Plan
	apps    []app.App
	run     Run
	journal *journal

	done     chan Outcome
	finished map[string]Outcome
	running  int
	failures int
	// failure is that the journal could not be written.
	failure error
}

// carryOut begins what can be begun until everything has an outcome.
func (c *crew) carryOut(ctx context.Context) {
	waiting := slices.Clone(c.plan.Apps)
	for len(waiting) > 0 || c.running > 0 {
		waiting = slices.DeleteFunc(waiting, func(p update.Planned) bool {
			why, ready := c.ready(ctx, p)
			switch {
			case why != "":
				c.finish(Outcome{App: p.App, State: Skipped, Why: why, At: c.fleet.Now().UTC()})
			case ready:
				c.running++
				go func() { c.done <- c.rebuild(ctx, p) }()
			}
			return why != "" || ready
		})
		if c.running > 0 {
			o := <-c.done
			c.running--
			c.finish(o)
		}
	}
}

// ready says whether an app can be begun now, or why it never will be.
func (c *crew) ready(ctx context.Context, p update.Planned) (why string, ready bool) {
	switch {
	case ctx.Err() != nil:
		return "the run was stopped", false
	case c.failure != nil:
		return "the run's journal cannot be written", false
	case c.run.MaxFailures > 0 && c.failures >= c.run.MaxFailures:
		return fmt.Sprintf("%d apps had failed", c.failures), false
	}
	for _, parent := range p.After {
		o, finished := c.finished[parent]
		if !finished {
			return "", false
		}
		if p.Follows && (o.State == Failed || o.State == Skipped) {
			return parent + ", which it stands on, was not rebuilt", false
		}
	}
	return "", c.running < max(1, c.fleet.Jobs)
}

func (c *crew) finish(o Outcome) {
	if o.State == Failed {
		c.failures++
	}
	c.finished[o.App] = o
	c.fleet.report(o)
	if err := c.journal.note(o); err != nil && c.failure == nil {
		c.failure = err
	}
}

// rebuild rebuilds one app as it was planned.
func (c *crew) rebuild(ctx context.Context, p update.Planned) Outcome {
	began := c.fleet.Now()
	o := Outcome{App: p.App}
	built, err := c.do(ctx, p)
	if err == nil {
		c.record(ctx, p, built, &o)
	}
	o.At, o.Seconds = c.fleet.Now().UTC().Truncate(time.Second), c.fleet.Now().Sub(began).Seconds()
	switch {
	case fault.KindOf(err) == fault.Cancelled:
		o.State, o.Why = Skipped, "the run was stopped"
	case err != nil:
		o.State, o.Why, o.Err = Failed, err.Error(), err
	case built.Rebuilt:
		o.State = Rebuilt
	default:
		o.State = Same
	}
	return o
}

// record notes what came of an app, and how long its fixes took. Where that
// cannot be written or stated the app is rebuilt and published all the same,
// and the outcome has the error.
func (c *crew) record(ctx context.Context, p update.Planned, built *results.Built, o *Outcome) {
	o.Lock = built.LockDigest
	for _, published := range built.Published {
		o.Published = append(o.Published, published.Ref)
	}
	if err := c.fleet.record(ctx, p, built); err != nil {
		o.Why, o.Err = "it is rebuilt, but "+err.Error(), err
	}
}

func (c *crew) do(ctx context.Context, p update.Planned) (*results.Built, error) {
	n := slices.IndexFunc(c.apps, func(a app.App) bool { return a.Name == p.App })
	if n < 0 {
		return nil, fault.New(fault.Stale, "%s is not among the apps any more", p.App)
	}
	asked, err := fileDigest(c.apps[n].Path)
	if err != nil {
		return nil, err
	}
	if asked != p.Asked {
		return nil, fault.Hint(fault.New(fault.Stale, "%s changed after it was planned", c.apps[n].Path), "plan again")
	}
	return c.run.Do(ctx, c.apps[n], bake.RebuildOptions{
		Options: c.run.Options, Keep: p.Keep,
		Accept: func(_ *lock.Lock, changes []lock.Change) error { return accept(p, changes, c.run.Exact) },
	})
}

// accept refuses a lock that moves what was to stay, and where exact is asked
// for one that has what was not planned. What was left to apt's resolver may
// come, and packages may go that nothing needs any more.
func accept(p update.Planned, changes []lock.Change, exact bool) error {
	planned := map[string]string{}
	for _, c := range p.Changes {
		planned[c.Name] = c.To
	}
	loose := !exact || leftToApt(p)
	for _, c := range changes {
		_, kept := p.Keep[c.Package]
		to, known := planned[c.Package]
		switch {
		case kept && c.From != "" && c.To != c.From:
			return stale("%s was to stay at %s, and apt takes %q", c.Package, c.From, c.To)
		case loose || c.To == "" || known && to == c.To:
		case known:
			return stale("%s was planned as %s, and apt takes %s", c.Package, to, c.To)
		default:
			return stale("%s %s was not planned, and apt takes it", c.Package, c.To)
		}
	}
	return nil
}

// leftToApt says whether a plan names no version for all that it moves.
func leftToApt(p update.Planned) bool {
	return len(p.Undecided) > 0 || p.Lock == "" || slices.ContainsFunc(p.Changes, func(c update.Change) bool {
		return c.Kind == update.Image || c.Kind == update.Parent || c.Kind == update.Asked
	})
}

func stale(format string, args ...any) error {
	return fault.Hint(fault.New(fault.Stale, format, args...), "the archive moved on, or apt chose otherwise: plan again")
}
