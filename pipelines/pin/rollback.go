package pin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/distro/debian/control"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

// markDowngrades says of each changed package whether it became older.
func markDowngrades(changes []lock.Change) {
	for i, c := range changes {
		image := slices.Contains(c.Layers, "image")
		changes[i].Downgrade = !image && c.From != "" && c.To != "" && control.Compare(c.To, c.From) < 0
	}
}

// wentBack lists what is older in a new lock than in the one that it
// replaces: archives' indexes, then packages. Another release of the
// distribution, which the app file asks for, goes nowhere back, and neither does
// a lock that an archive was taken from; one more archive excuses nothing.
func wentBack(old, fresh *lock.Lock, changes []lock.Change) []lock.Step {
	if old == nil {
		return nil
	}
	var steps []lock.Step
	for _, a := range debian.Older(old.Archives, fresh.Archives) {
		i := slices.IndexFunc(old.Archives, func(o lock.Archive) bool { return o.Name == a.Name && o.Suite == a.Suite })
		steps = append(steps, lock.Step{Of: a.Name + "/" + a.Suite, From: dated(old.Archives[i]), To: dated(a)})
	}
	if !holdsAll(releases(fresh), releases(old)) {
		return steps
	}
	for _, c := range changes {
		if c.Downgrade {
			steps = append(steps, lock.Step{Of: c.Package + ":" + c.Arch, From: c.From, To: c.To})
		}
	}
	return steps
}

func dated(a lock.Archive) string { return a.Date.UTC().Format(time.RFC3339) }

// releases are the archives' suites that a lock stands on.
func releases(l *lock.Lock) []string {
	var names []string
	for _, a := range l.Archives {
		names = append(names, a.Name+"/"+a.Suite)
	}
	return names
}

func holdsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(name string) bool { return !slices.Contains(all, name) })
}

// refuseRollback is the error of a lock that would go back.
func refuseRollback(a app.App, steps []lock.Step) error {
	var lines []string
	for _, s := range steps {
		lines = append(lines, fmt.Sprintf("  %s %s -> %s", s.Of, s.From, s.To))
	}
	return fault.Hint(fault.New(fault.Integrity, "%s would go back to what is older, and stays as it was:\n%s", Path(a), strings.Join(lines, "\n")),
		"look why the archive has older packages than before; to go back on purpose: bakelite lock --insecure-allow-rollback %s", a.Path)
}
