package policy

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/capability"
)

func (c *checker) gate(g Gate) {
	c.oneOf("gate.mode", g.Mode, Modes())
	c.vulnerabilities(g.Vulnerabilities)
	c.each("gate.forbiddenPackages", g.ForbiddenPackages, c.word)
	c.each("gate.forbiddenLicences", g.ForbiddenLicences, c.word)
	rights := append([]string{SetUID, SetGID, ExecWritable, all, None}, capability.Names()...)
	c.each("gate.forbiddenRights", g.ForbiddenRights, func(key, word string) { c.oneOf(key, word, rights) })
	if len(g.ForbiddenRights) > 1 && slices.Contains(g.ForbiddenRights, None) {
		c.add("gate.forbiddenRights", "has %q beside others; keep one of them", None)
	}
	c.each("gate.requiredControls", g.RequiredControls, c.control)
	if len(g.RequiredControls) > 1 && slices.Contains(g.RequiredControls, None) {
		c.add("gate.requiredControls", "has %q beside others; keep one of them", None)
	}
	if g.MinHardening < 0 || g.MinHardening > 100 {
		c.add("gate.minHardening", "%d is not a share in percent (0 to 100)", g.MinHardening)
	}
}

func (c *checker) patches(p Patches) {
	for _, severity := range slices.Sorted(maps.Keys(p.MaxHours)) {
		key := "patches.maxHours." + severity
		c.oneOf(key, severity, Severities())
		if hours := p.MaxHours[severity]; hours < 1 || hours > maxHours {
			c.add(key, "%d is not between 1 and %d hours", hours, maxHours)
		}
	}
}

var controlID = regexp.MustCompile(`^BK-[A-Z]{2,4}-[0-9]{2}$`)

// control judges what names hardening controls.
func (c *checker) control(key, word string) {
	if !slices.Contains([]string{None, levelOne, levelTwo}, word) && !controlID.MatchString(word) {
		c.add(key, "%q is no control such as BK-FS-01, %q, %q or %q", word, levelOne, levelTwo, None)
	}
}

func (c *checker) vulnerabilities(v Vulnerabilities) {
	const key = "gate.vulnerabilities"
	c.oneOf(key+".failOn", v.FailOn, append(Severities(), None))
	c.oneOf(key+".unknownAs", v.UnknownAs, Severities())
	for _, severity := range slices.Sorted(maps.Keys(v.GraceDays)) {
		c.oneOf(key+".graceDays."+severity, severity, Severities())
		if days := v.GraceDays[severity]; days < 0 || days > maxGrace {
			c.add(key+".graceDays."+severity, "%d is not between 0 and %d days", days, maxGrace)
		}
	}
}

func (c *checker) waivers(waivers []Waiver) {
	if !c.bounded("waivers", len(waivers)) {
		return
	}
	seen := map[string]int{}
	for i, w := range waivers {
		key := item("waivers", i)
		if c.text(key+".id", w.ID) {
			c.waived(key+".id", w.ID)
		}
		c.optional(key+".package", w.Package)
		c.optional(key+".path", w.Path)
		if w.Path != "" && w.Path[0] != '/' && w.Path[0] != '*' {
			c.add(key+".path", "%q begins with no /; paths are those of the image", w.Path)
		}
		c.each(key+".apps", w.Apps, c.word)
		c.text(key+".reason", w.Reason)
		c.text(key+".owner", w.Owner)
		if _, err := w.Until(); err != nil {
			c.add(key+".expires", "%q is not a day; write it like 2026-12-31", w.Expires)
		}
		same := strings.Join(append([]string{w.ID, w.Package, w.Path}, slices.Sorted(slices.Values(w.Apps))...), "\x00")
		if first, twice := seen[same]; twice {
			c.add(key, "stands here twice, first as entry %d; keep one", first+1)
		} else {
			seen[same] = i
		}
	}
}

// waived judges what a waiver is for.
func (c *checker) waived(key, id string) {
	c.word(key, id)
	switch id {
	case RuleReport:
		c.add(key, "nothing waives the need for a scan report of the very artifact")
	case RuleWaivers:
		c.add(key, "nothing waives the expiry of waivers; renew or remove the one that has expired")
	}
}

// Until returns the instant at which w stops to hold: the end of its last
// day, UTC.
func (w Waiver) Until() (time.Time, error) {
	day, err := time.Parse(time.DateOnly, w.Expires)
	if err != nil {
		return time.Time{}, err
	}
	return day.AddDate(0, 0, 1), nil
}
