package update

import (
	"cmp"
	"slices"
	"time"
)

// ClockVersion is the version of the patch clock's form, ClockKind its kind.
const (
	ClockVersion = "bakelite.dev/v1"
	ClockKind    = "Clock"
)

// Clock is how long fixes took to reach an app's images: a record of each fix,
// the newest last. It stands beside the receipts.
type Clock struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	App        string `json:"app"`
	Fixes      []Fix  `json:"fixes"`
}

// Fix is one package's new version that reached an image.
type Fix struct {
	Package string `json:"package"`
	From    string `json:"from"`
	To      string `json:"to"`
	Suite   string `json:"suite"`
	// Artifact is the reference, by digest, that it was published in, and Kind
	// container or disk.
	Kind     string `json:"kind"`
	Artifact string `json:"artifact"`
	// Advisories are what From has and To has not.
	Advisories []Advisory `json:"advisories,omitempty"`
	// Archive is the date of the first index that had To, as far as the machine
	// saw; Seen is when it read one that had.
	Archive time.Time `json:"archive"`
	Seen    time.Time `json:"seen"`
	// Built, Passed and Published are when the image with it was built, had
	// passed its tests and the gate, and had its name.
	Built     time.Time `json:"built"`
	Passed    time.Time `json:"passed"`
	Published time.Time `json:"published"`
}

// Worst is the worst severity that it fixes, "" for none.
func (f Fix) Worst() string { return Change{Fixes: f.Advisories}.Worst() }

// Hours is the time from the archive to the name.
func (f Fix) Hours() float64 { return f.Published.Sub(f.Archive).Hours() }

// Service is what a service level asks: the most hours by severity.
type Service map[string]int

// Breach is a fix that took longer than its severity may, or that has been
// waiting for longer.
type Breach struct {
	App      string  `json:"app"`
	Package  string  `json:"package"`
	To       string  `json:"to"`
	Severity string  `json:"severity"`
	Hours    float64 `json:"hours"`
	Limit    int     `json:"limit"`
	// Open says that it has not reached the image yet.
	Open bool `json:"open,omitempty"`
}

// Breaches says which fixes took longer than they may, and which of those that
// wait have waited for longer, as of now. Severities that the service level
// does not name have no limit.
func (s Service) Breaches(c Clock, open []Change, now time.Time) []Breach {
	var all []Breach
	seen := map[Breach]bool{}
	add := func(b Breach) {
		if !seen[b] {
			seen[b] = true
			all = append(all, b)
		}
	}
	for _, f := range c.Fixes {
		if limit, ok := s[f.Worst()]; ok && !f.Archive.IsZero() && f.Hours() > float64(limit) {
			add(Breach{App: c.App, Package: f.Package, To: f.To, Severity: f.Worst(), Hours: f.Hours(), Limit: limit})
		}
	}
	for _, o := range open {
		hours := now.Sub(o.Since).Hours()
		if limit, ok := s[o.Worst()]; ok && !o.Since.IsZero() && hours > float64(limit) {
			add(Breach{App: c.App, Package: o.Name, To: o.To, Severity: o.Worst(), Hours: hours, Limit: limit, Open: true})
		}
	}
	slices.SortStableFunc(all, func(a, b Breach) int {
		return cmp.Or(Rank(b.Severity)-Rank(a.Severity), cmp.Compare(a.Package, b.Package))
	})
	return all
}

// Took is how long the fixes of a severity took to reach images of a kind.
type Took struct {
	Kind string `json:"kind"`
	// Severity is the worst that the fixes have, "" for updates that no known
	// advisory asked for.
	Severity string `json:"severity,omitempty"`
	Fixes    int    `json:"fixes"`
	// Median and Worst are hours from the archive to the name.
	Median float64 `json:"medianHours"`
	Worst  float64 `json:"worstHours"`
}

// From is the record of what was published from a time on.
func (c Clock) From(since time.Time) Clock {
	c.Fixes = slices.DeleteFunc(slices.Clone(c.Fixes), func(f Fix) bool { return f.Published.Before(since) })
	return c
}

// Spans adds up the fixes by kind of image and severity, the worst severity
// first. Where nobody saw when the archive had a fix, it does not count.
func (c Clock) Spans() []Took {
	hours := map[Took][]float64{}
	for _, f := range c.Fixes {
		if !f.Archive.IsZero() {
			key := Took{Kind: f.Kind, Severity: f.Worst()}
			hours[key] = append(hours[key], f.Hours())
		}
	}
	all := []Took{}
	for s, took := range hours {
		slices.Sort(took)
		s.Fixes, s.Median, s.Worst = len(took), took[len(took)/2], took[len(took)-1]
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Took) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), place(b.Severity)-place(a.Severity))
	})
	return all
}

// place sorts updates without an advisory last.
func place(severity string) int {
	if severity == "" {
		return -1
	}
	return Rank(severity)
}
