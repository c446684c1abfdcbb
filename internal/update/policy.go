package update

import (
	"slices"
	"time"
)

// Triggers of a rebuild. What the app's owner changes, in the app file or the
// app's own files, always sets one off.
const (
	// OnAny is any change.
	OnAny = "any"
	// OnSecurity is a package of a suite of security updates, or a fix.
	OnSecurity = "security"
	// OnFixable is a fix of at least a severity.
	OnFixable = "fixable"
	// OnBase is another base image, or a rebuilt app that this one stands on.
	OnBase = "base"
)

// Triggers returns all triggers.
func Triggers() []string { return []string{OnAny, OnSecurity, OnFixable, OnBase} }

// Policy says which changes an app takes, and when.
type Policy struct {
	// Triggers set off a rebuild.
	Triggers []string
	// Severity is the least that counts for OnFixable.
	Severity string
	// CoolDown is how long a version is in the archive before it is taken.
	CoolDown time.Duration
	// Urgent is the least severity whose fixes wait for nothing; "" is none.
	Urgent string
	// Holds keep packages at the lock's version.
	Holds []Hold
	// Windows are when rebuilds begin; empty is always.
	Windows []Window
	// MaxLockAge is how long ago the lock may have been current; 0 is for
	// ever.
	MaxLockAge time.Duration
}

// Hold keeps a package at the version that the lock has, until it ends.
type Hold struct {
	Package, Reason, Owner string
	// Until is the first instant at which it holds no more.
	Until time.Time
}

func (p Policy) on(trigger string) bool { return slices.Contains(p.Triggers, trigger) }

// AsksForAdvisories says whether a decision depends on what a change fixes.
func (p Policy) AsksForAdvisories() bool {
	return p.on(OnFixable) || p.on(OnSecurity) || p.Urgent != "" && (p.CoolDown > 0 || len(p.Windows) > 0)
}

// urgent says whether a change waits for nothing.
func (p Policy) urgent(c Change) bool {
	return p.Urgent != "" && c.Worst() != "" && Rank(c.Worst()) >= Rank(p.Urgent)
}

// hold returns the hold on a package, the one that lasts longest, and whether
// it holds at an instant.
func (p Policy) hold(name string, now time.Time) (found Hold, holds bool) {
	for _, h := range p.Holds {
		if h.Package == name && !h.Until.Before(found.Until) {
			found = h
		}
	}
	return found, found.Until.After(now)
}
