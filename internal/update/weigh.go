package update

import (
	"fmt"
	"time"
)

// weigh decides about one change.
func (d *decider) weigh(c Change) {
	if c.Kind == Package && !d.takes(c) || c.Kind == Revoked && !d.cured(c) {
		return
	}
	d.out.Taken = append(d.out.Taken, c.Name)
	if !d.sets(c) {
		d.passed++
		return
	}
	d.causes = append(d.causes, c.Title())
	d.atOnce = d.atOnce || own(c) || c.Kind == Revoked || c.State == Older || d.q.Policy.urgent(c)
}

// cured says whether a rebuild would stand on something else than what was
// revoked; else a person has to name another image.
func (d *decider) cured(c Change) bool {
	for _, other := range d.q.Changes {
		if other.Kind == Parent || other.Kind == Image && other.Name == c.Name && other.To != c.From {
			return true
		}
	}
	d.blocks = append(d.blocks, fmt.Sprintf("%s, and %s names nothing else: name another image in the app file", c.Title(), c.Name))
	return false
}

// own says whether the app's owner made the change, or nothing is there yet.
func own(c Change) bool { return c.Kind == Asked || c.Kind == Files || c.Kind == Unbuilt }

// takes says whether a package's new version may be taken now.
func (d *decider) takes(c Change) bool {
	switch {
	case c.State == Older && !d.q.Facts.Rollback:
		d.blocks = append(d.blocks, fmt.Sprintf("the archive has %s only as %s, older than the lock's %s", c.Name, c.To, c.From))
		return false
	case c.State == Gone:
		// The kernel's name changes with its version, so this is no reason to
		// stop: apt says whether anything still needs it.
		d.find("%s %s is no longer in the archive", c.Name, c.From)
		return true
	}
	if h, holds := d.q.Policy.hold(c.Name, d.q.Now); holds && c.From != "" {
		d.holdBack(c, h)
		return false
	}
	return !d.cools(c)
}

func (d *decider) holdBack(c Change, h Hold) {
	if !d.q.Facts.Keepable[c.Name] {
		d.blocks = append(d.blocks, fmt.Sprintf("%s is held at %s, which the archive no longer has", c.Name, c.From))
		return
	}
	d.keep(c)
	d.held = append(d.held, fmt.Sprintf("%s: held by %s to %s: %s", c.Title(), h.Owner, h.lastDay(), h.Reason))
}

// cools says whether a version is too new to be taken.
func (d *decider) cools(c Change) bool {
	p := d.q.Policy
	ripe := c.Since.Add(p.CoolDown)
	if p.CoolDown == 0 || c.State == Older || d.tooOld || c.From == "" || p.urgent(c) || !d.q.Now.Before(ripe) {
		return false
	}
	if d.ripe.IsZero() || ripe.Before(d.ripe) {
		d.ripe = ripe
	}
	d.cooling = append(d.cooling, fmt.Sprintf("%s: cools down until %s", c.Title(), ripe.UTC().Format(time.RFC3339)))
	if d.q.Facts.Keepable[c.Name] {
		d.keep(c)
	} else {
		d.find("%s %s is no longer in the archive: a rebuild would take %s before it has cooled down", c.Name, c.From, c.To)
	}
	return true
}

func (d *decider) keep(c Change) {
	if d.out.Keep == nil {
		d.out.Keep = map[string]string{}
	}
	d.out.Keep[c.Name] = c.From
}

// sets says whether a change sets off a rebuild.
func (d *decider) sets(c Change) bool {
	p := d.q.Policy
	worst := c.Worst()
	switch {
	case own(c), c.Kind == Revoked, c.State == Older, d.tooOld, p.on(OnAny):
		return true
	case p.on(OnSecurity) && (c.Origin == Security || worst != ""):
		return true
	case p.on(OnFixable) && worst != "" && Rank(worst) >= Rank(p.Severity):
		return true
	}
	return p.on(OnBase) && (c.Kind == Image || c.Kind == Parent)
}

// Title is a change in words.
func (c Change) Title() string {
	text := c.Name
	switch {
	case c.Why != "":
		text = c.Why
	case c.From != "" && c.To != "":
		text = fmt.Sprintf("%s %s -> %s", c.Name, Short(c.From), Short(c.To))
		if c.State == Older {
			text += " (downgrade)"
		}
	case c.To != "":
		text = fmt.Sprintf("%s %s is new", c.Name, Short(c.To))
	case c.From != "":
		text = fmt.Sprintf("%s %s is gone", c.Name, Short(c.From))
	}
	if worst := c.Worst(); worst != "" {
		text += fmt.Sprintf(" (fixes %d, worst %s)", len(c.Fixes), worst)
	}
	return text
}

// Short is a version, or the first digits of a digest.
func Short(text string) string {
	const algorithm, digits = "sha256:", 12
	if len(text) > len(algorithm)+digits && text[:len(algorithm)] == algorithm {
		return text[:len(algorithm)+digits]
	}
	return text
}

// Span is a time span in whole days, or in hours where it is shorter than
// three days.
func Span(d time.Duration) string {
	if d >= 3*day {
		return fmt.Sprintf("%d days", d/day)
	}
	return fmt.Sprintf("%d h", d/time.Hour)
}

func (h Hold) lastDay() string { return h.Until.UTC().Add(-time.Second).Format(time.DateOnly) }
