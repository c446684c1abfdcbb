package update

import (
	"fmt"
	"slices"
	"time"
)

// Action is what is done about an app.
type Action string

// The actions.
const (
	// Current: there is nothing to do.
	Current Action = "current"
	// Rebuild: it is locked anew, built and tested.
	Rebuild Action = "rebuild"
	// Wait: it will be rebuilt, but not yet.
	Wait Action = "wait"
	// Pass: what changed is nothing that the policy takes.
	Pass Action = "pass"
	// Blocked: a person has to look, for going on would do what nobody asked
	// for.
	Blocked Action = "blocked"
	// DontKnow: something could not be read, so nobody can say.
	DontKnow Action = "unknown"
	// Failing: it could not be read for too long.
	Failing Action = "failing"
)

// Question is everything that a decision depends on.
type Question struct {
	Changes []Change
	Unknown []Unknown
	Facts   Facts
	Policy  Policy
	Now     time.Time
}

// Facts are what is known of the app beside what changed beneath it.
type Facts struct {
	// LockDate is the date of the newest index that the lock stands on.
	LockDate time.Time
	// CurrentAt is when the lock was last found to be current, zero for never.
	CurrentAt time.Time
	// Keepable are the packages whose locked version the archive still has.
	Keepable map[string]bool
	// Rollback says that somebody asked to go back: what is older is taken.
	Rollback bool
	// UnknownLimit is how long something may be unknown; 0 is for ever.
	UnknownLimit time.Duration
}

// Decision is what is done about an app, and why.
type Decision struct {
	Action  Action   `json:"action"`
	Reasons []string `json:"reasons,omitempty"`
	// Taken are the names of the changes that a rebuild takes.
	Taken []string `json:"taken,omitempty"`
	// Keep are packages that stay at the lock's version although there is a
	// newer one, by name.
	Keep map[string]string `json:"keep,omitempty"`
	// NotBefore is when a Wait ends, as far as is known now.
	NotBefore time.Time `json:"notBefore,omitzero"`
	// TooOld says that the lock was not current for longer than it may.
	TooOld bool `json:"lockTooOld,omitempty"`
	// Findings are what a person should know of: a lock that is too old, a
	// hold that has ended, a package that left the archive.
	Findings []string `json:"findings,omitempty"`
}

// Decide says what the changes mean for an app. It is pure.
func Decide(q Question) Decision {
	d := decider{q: q}
	d.age()
	d.holds()
	if len(q.Unknown) > 0 {
		return d.unknown()
	}
	for _, c := range q.Changes {
		d.weigh(c)
	}
	return d.conclude()
}

// decider is one decision at work.
type decider struct {
	q   Question
	out Decision
	// tooOld says that the lock is older than it may be: then everything is
	// taken that is not held.
	tooOld bool
	// causes set off a rebuild; at once says that one waits for no window.
	causes []string
	atOnce bool
	// cooling and held are changes that are not taken, with the reason,
	// passed is the number of those that nothing asks for.
	cooling, held, blocks []string
	passed                int
	// ripe is when the first of cooling has cooled.
	ripe time.Time
}

// age finds out whether the lock is older than it may be: by when it was last
// current, else by the index that it stands on.
func (d *decider) age() {
	from := d.q.Facts.LockDate
	if d.q.Facts.CurrentAt.After(from) {
		from = d.q.Facts.CurrentAt
	}
	most := d.q.Policy.MaxLockAge
	if age := d.q.Now.Sub(from); most > 0 && age > most {
		d.tooOld, d.out.TooOld = true, true
		d.find("the lock was last current %s ago: at most %s is allowed", Span(age), Span(most))
	}
}

// holds finds the holds that have ended.
func (d *decider) holds() {
	for _, h := range d.q.Policy.Holds {
		if !h.Until.After(d.q.Now) {
			d.find("the hold on %s by %s ended with %s: %s", h.Package, h.Owner, h.lastDay(), h.Reason)
		}
	}
}

func (d *decider) find(format string, args ...any) {
	d.out.Findings = append(d.out.Findings, fmt.Sprintf(format, args...))
}

func (d *decider) unknown() Decision {
	d.out.Action = DontKnow
	for _, u := range d.q.Unknown {
		d.out.Reasons = append(d.out.Reasons, fmt.Sprintf("%s could not be read since %s: %s", u.What, u.Since.UTC().Format(time.RFC3339), u.Why))
		if most := d.q.Facts.UnknownLimit; most > 0 && d.q.Now.Sub(u.Since) >= most {
			d.out.Action = Failing
		}
	}
	return d.out
}

// conclude makes one decision of all that was weighed.
func (d *decider) conclude() Decision {
	d.out.Reasons = slices.Concat(d.blocks, d.causes, d.cooling, d.held)
	switch {
	case len(d.blocks) > 0:
		d.out.Action = Blocked
	case len(d.causes) > 0:
		d.out.Action = Rebuild
		if at := opens(d.q.Policy.Windows, d.q.Now); at.After(d.q.Now) && !d.atOnce {
			d.out.Action, d.out.NotBefore = Wait, at
			d.out.Reasons = append(d.out.Reasons, "the next window opens at "+at.UTC().Format(time.RFC3339))
		}
	case len(d.cooling) > 0:
		d.out.Action, d.out.NotBefore = Wait, d.ripe
	case len(d.held)+d.passed > 0:
		d.out.Action = Pass
	default:
		d.out.Action = Current
	}
	if d.out.Action != Rebuild {
		d.out.Taken = nil
	}
	if d.out.Action == Pass && d.passed > 0 {
		d.out.Reasons = append(d.out.Reasons, fmt.Sprintf("%d changes set nothing off by the policy", d.passed))
	}
	return d.out
}
