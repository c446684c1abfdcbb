// Package doctor finds out whether this machine has what Bakelite needs: a
// table of checks, each with what it is for, a probe that tries the real
// thing where it can, and the command that mends it. It refuses to change the
// machine: what a probe makes, it removes.
package doctor

import (
	"context"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Level says how much a finding matters.
type Level string

// The levels; Missing is what Bakelite cannot do without.
const (
	OK      Level = "ok"
	Warn    Level = "warn"
	Missing Level = "missing"
)

// Result is one check and what it found.
type Result struct {
	// Name is what was looked for.
	Name string `json:"name"`
	// For is what Bakelite needs it for.
	For   string `json:"for"`
	Level Level  `json:"level"`
	// Found is what was seen, in one line.
	Found string `json:"found"`
	// Mend is a command or an instruction; it is empty where Level is OK.
	Mend string `json:"mend,omitempty"`
}

// Options say what to examine; all but Scanner and Engine must be set.
type Options struct {
	// State is Bakelite's state folder; it is made where it does not exist.
	State string
	// Arch is "amd64" or "arm64".
	Arch string
	// UID is the user that Bakelite runs as.
	UID int
	// Mirrors are the base URLs of each archive.
	Mirrors map[string][]string
	// Root is this machine's root folder, for /proc, /sys and /etc.
	Root fs.FS
	// Now is the clock that is examined.
	Now func() time.Time
	// Scanner asks the scanning program for its version; nil leaves the check
	// out.
	Scanner func(context.Context) (file string, err error)
	// Engine opens an engine, closes it and says where it came from; nil
	// leaves the check out.
	Engine func(context.Context) (origin string, err error)
}

// finding is what a probe saw. An empty mend stands for the check's own.
type finding struct {
	level Level
	found string
	mend  string
}

// check is one row of the table.
type check struct {
	name, purpose string
	// packages mend the check, by the names of system-packages.txt.
	packages []string
	probe    func(context.Context, Options) finding
}

// Examine makes every check, several at once, and returns the results in the
// order of the table. A check that an ended context cut short did not pass.
func Examine(ctx context.Context, o Options) []Result {
	checks := table(o)
	results := make([]Result, len(checks))
	var group errgroup.Group
	for i, c := range checks {
		group.Go(func() error {
			results[i] = c.result(c.probe(ctx, o))
			return nil
		})
	}
	_ = group.Wait()
	return results
}

func (c check) result(f finding) Result {
	r := Result{Name: c.name, For: c.purpose, Level: f.level, Found: oneLine(f.found)}
	switch {
	case f.level == OK:
	case f.mend != "":
		r.Mend = oneLine(f.mend)
	case len(c.packages) > 0:
		r.Mend = "sudo apt-get install " + strings.Join(c.packages, " ")
	}
	return r
}

// maxShown bounds a line of a finding, in bytes: errors quote programs.
const maxShown = 300

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return text
}

func ok(found string) finding { return finding{level: OK, found: found} }

func warn(found, mend string) finding { return finding{Warn, found, mend} }

func missing(found, mend string) finding { return finding{Missing, found, mend} }
