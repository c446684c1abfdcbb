package app

import (
	"fmt"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/internal/update"
)

// Update says which changes beneath the app are taken, and when. What is left
// out is as the settings below update say.
type Update struct {
	// Trigger lists what sets off a rebuild: any change, security (a package of
	// security updates, or a fix), fixable (a fix of at least severity) or base
	// (another base image). A rebuild takes all that changed by then.
	Trigger []string `yaml:"trigger,omitempty"`
	// Severity is the least that counts for fixable: low, medium, high or
	// critical.
	Severity string `yaml:"severity,omitempty"`
	// CoolDown is how long a version is in the archive before it is taken.
	CoolDown units.Duration `yaml:"coolDown,omitempty"`
	// Urgent is the least severity whose fixes wait neither for coolDown nor for
	// windows, or none.
	Urgent string `yaml:"urgent,omitempty"`
	// Hold keeps packages at the version that the lock has.
	Hold []Hold `yaml:"hold,omitempty"`
	// Windows are when rebuilds begin, in UTC: "sat,sun 01:00-05:00", "daily
	// 22:00-04:00".
	Windows []string `yaml:"windows,omitempty"`
	// MaxLockAge is how long ago the lock may have been current.
	MaxLockAge units.Duration `yaml:"maxLockAge,omitempty"`
}

// Hold keeps one package at the version that the lock has.
type Hold struct {
	// Package is its name.
	Package string `yaml:"package"`
	// Reason says why.
	Reason string `yaml:"reason"`
	// Owner answers for it.
	Owner string `yaml:"owner"`
	// Expires is the last day that it holds, as 2026-12-31 (UTC).
	Expires string `yaml:"expires"`
}

// UrgentNone is the Urgent that lets every fix wait.
const UrgentNone = "none"

// Severities returns the severities that an app file names, from the least to
// the worst.
func Severities() []string { return []string{"low", "medium", "high", "critical"} }

// Policy returns what the app takes, and when; of what its file leaves out
// that of otherwise. The app must be valid.
func (u Update) Policy(otherwise update.Policy) update.Policy {
	p := otherwise
	if len(u.Trigger) > 0 {
		p.Triggers = u.Trigger
	}
	p.Severity = or(u.Severity, p.Severity)
	p.CoolDown = or(u.CoolDown.Std(), p.CoolDown)
	p.MaxLockAge = or(u.MaxLockAge.Std(), p.MaxLockAge)
	switch u.Urgent {
	case "":
	case UrgentNone:
		p.Urgent = ""
	default:
		p.Urgent = u.Urgent
	}
	if len(u.Windows) > 0 {
		p.Windows = nil
		for _, text := range u.Windows {
			w, _ := update.ParseWindow(text) // Validate has parsed it
			p.Windows = append(p.Windows, w)
		}
	}
	for _, h := range u.Hold {
		until, _ := h.until()
		p.Holds = append(p.Holds, update.Hold{Package: h.Package, Reason: h.Reason, Owner: h.Owner, Until: until})
	}
	return p
}

// until is the end of the last day, UTC.
func (h Hold) until() (time.Time, error) {
	last, err := time.Parse(time.DateOnly, h.Expires)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a day; write it like 2026-12-31", h.Expires)
	}
	return last.AddDate(0, 0, 1), nil
}

func (c *checker) update(u Update) {
	once(c, "update.trigger", u.Trigger)
	for i, t := range u.Trigger {
		c.oneOf(item("update.trigger", i), t, update.Triggers())
	}
	if u.Severity != "" {
		c.oneOf("update.severity", u.Severity, Severities())
	}
	if u.Urgent != "" {
		c.oneOf("update.urgent", u.Urgent, append(Severities(), UrgentNone))
	}
	once(c, "update.windows", u.Windows)
	for i, text := range u.Windows {
		if _, err := update.ParseWindow(text); err != nil {
			c.add(item("update.windows", i), "%v", err)
		}
	}
	var held []string
	for i, h := range u.Hold {
		held = append(held, h.Package)
		c.hold(item("update.hold", i), h)
	}
	once(c, "update.hold", held)
}

func (c *checker) hold(key string, h Hold) {
	if !packageName.MatchString(h.Package) {
		c.add(key+".package", "%q is not a package name", h.Package)
	}
	for _, text := range [][2]string{{"reason", h.Reason}, {"owner", h.Owner}} {
		if strings.TrimSpace(text[1]) == "" {
			c.add(key+"."+text[0], "is empty; who meets the hold has to know")
		}
	}
	if _, err := h.until(); err != nil {
		c.add(key+".expires", "%v", err)
	}
}
