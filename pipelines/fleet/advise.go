package fleet

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/distro/debian/control"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/scan"
)

// Advisory is one known vulnerability of a package that a lock has.
type Advisory struct {
	update.Advisory
	Package string   `json:"package"`
	Version string   `json:"version"`
	In      []string `json:"in"`
	// KnownSince and FixedSince are when earlier looks saw it, and its fix,
	// for the first time; zero where they were there at the first look.
	KnownSince time.Time `json:"knownSince,omitzero"`
	FixedSince time.Time `json:"fixedSince,omitzero"`
}

// database is what it is called that advisories come from.
const database = "the database of vulnerabilities"

// advice is what is known of all packages of all apps.
type advice struct {
	// err says why nothing is; left says that nobody asked.
	err  error
	left bool
	// by has the advisories by name and version; a version of which nothing is
	// known has none.
	by map[string][]update.Advisory
}

func versionKey(name, version string) string { return name + " " + version }

// advise asks for the known vulnerabilities of all packages of all apps at
// once, by release.
func (f Fleet) advise(ctx context.Context, all []Standing, worlds []*world, o Options) advice {
	if o.WithoutAdvisories {
		return advice{left: true}
	}
	lists := map[string]*scan.Report{}
	seen := map[[3]string]bool{}
	for i, s := range all {
		w := worlds[i]
		if w == nil || s.Err != nil {
			continue
		}
		list := lists[w.Suite]
		if list == nil {
			list = &scan.Report{OS: scan.OS{Family: "debian", Name: debian.Number(w.Suite)}}
			lists[w.Suite] = list
		}
		for _, i := range slices.Concat(s.Lock.Holds(update.Container), s.Lock.Holds(update.Disk)) {
			if key := [3]string{w.Suite, i.Name, i.Version}; !seen[key] {
				seen[key] = true
				p := scan.Package{Name: i.Name, Version: i.Version, Arch: i.Arch}
				p.Source, p.SourceVersion = w.source(s.Lock, i)
				list.Packages = append(list.Packages, p)
			}
		}
	}
	var asked []scan.Report
	for _, list := range lists {
		slices.SortFunc(list.Packages, func(a, b scan.Package) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version), strings.Compare(a.Arch, b.Arch))
		})
		asked = append(asked, *list)
	}
	if len(asked) == 0 {
		return advice{left: true}
	}
	slices.SortFunc(asked, func(a, b scan.Report) int { return strings.Compare(a.OS.Name, b.OS.Name) })
	reports, err := f.Reader.Advise(ctx, asked)
	if err != nil {
		return advice{err: err}
	}
	known := advice{by: map[string][]update.Advisory{}}
	for _, r := range reports {
		for _, p := range r.Packages {
			known.by[versionKey(p.Name, p.Version)] = nil
		}
		for _, v := range r.Findings {
			key := versionKey(v.Package, v.Version)
			known.by[key] = append(known.by[key], update.Advisory{ID: v.ID, Severity: v.Severity, FixedIn: v.FixedVersion})
		}
	}
	return known
}

// source names the source package of what is installed. Locks of older versions do not
// have it: then it is as the archive says of that version, or else of another.
func (w *world) source(l *lock.Lock, i lock.Installed) (source, sourceVersion string) {
	if l.Distribution != nil {
		return i.Source, i.SourceVersion
	}
	for _, s := range w.Sources {
		if s.Packages == nil {
			continue
		}
		from, to := s.Packages.Find(i.Name)
		for n := from; n < to; n++ {
			p := s.Packages.Package(n)
			if p.Version == i.Version {
				return cmp.Or(p.Source, p.Name), cmp.Or(p.SourceVersion, p.Version)
			}
			source = cmp.Or(source, p.Source)
		}
	}
	return cmp.Or(source, i.Name), withoutRebuild(i.Version)
}

// withoutRebuild takes off what a rebuild of the same source adds to a
// version: "+b1".
func withoutRebuild(version string) string {
	at := strings.LastIndex(version, "+b")
	if at < 0 || strings.Trim(version[at+2:], "0123456789") != "" || at+2 == len(version) {
		return version
	}
	return version[:at]
}

// advised adds the vulnerabilities that are known of an app's packages, and to
// each change those that it fixes.
func (s *Standing) advised(known advice, m memory, asks bool, now time.Time) {
	if s.Lock == nil || s.Err != nil {
		return
	}
	if known.left {
		if asks {
			s.Unknown = append(s.Unknown, update.Unknown{What: database, Why: "nobody asked it, and the app's policy depends on what changes fix"})
		}
		return
	}
	if known.err != nil {
		s.Unknown = append(s.Unknown, unknown(database, known.err))
		return
	}
	s.list(known, m, now)
	for i, c := range s.Changes {
		if c.Kind != update.Package || c.From == "" || c.To == "" {
			continue
		}
		for _, a := range known.by[versionKey(c.Name, c.From)] {
			if a.FixedIn != "" && control.Compare(a.FixedIn, c.To) <= 0 {
				s.Changes[i].Fixes = append(s.Changes[i].Fixes, a)
			}
		}
	}
}

// list lists what is known of what the lock puts into artifacts, the packages of
// a base image among it, the worst first.
func (s *Standing) list(known advice, m memory, now time.Time) {
	at := map[string]int{}
	for _, kind := range []string{update.Container, update.Disk} {
		for _, i := range s.Lock.Holds(kind) {
			key := versionKey(i.Name, i.Version)
			before, looked := m.Known[key]
			for _, a := range known.by[key] {
				n, listed := at[key+" "+a.ID]
				if !listed {
					n = len(s.Advisories)
					at[key+" "+a.ID] = n
					s.Advisories = append(s.Advisories, Advisory{
						Advisory: a, Package: i.Name, Version: i.Version,
						KnownSince: sinceWhen(before.Since, a.ID, looked, now), FixedSince: fixedWhen(before, a, looked, now),
					})
				}
				if !slices.Contains(s.Advisories[n].In, kind) {
					s.Advisories[n].In = append(s.Advisories[n].In, kind)
				}
			}
		}
	}
	slices.SortFunc(s.Advisories, func(a, b Advisory) int {
		return cmp.Or(update.Rank(b.Severity)-update.Rank(a.Severity), strings.Compare(a.ID, b.ID), strings.Compare(a.Package, b.Package))
	})
}

// sinceWhen is when an advisory was first seen: now, unless an earlier look saw
// it; zero where there was no earlier look.
func sinceWhen(before map[string]time.Time, id string, looked bool, now time.Time) time.Time {
	since, there := before[id]
	switch {
	case there:
		return since
	case looked:
		return now
	}
	return time.Time{}
}

func fixedWhen(before known, a update.Advisory, looked bool, now time.Time) time.Time {
	if a.FixedIn == "" {
		return time.Time{}
	}
	return sinceWhen(before.Fixed, a.ID, looked, now)
}

// learn keeps what is known of each version.
func (a advice) learn(m *memory, now time.Time) {
	for key, advisories := range a.by {
		before, looked := m.Known[key]
		after := known{Seen: now.Truncate(day), Since: map[string]time.Time{}, Fixed: map[string]time.Time{}}
		for _, one := range advisories {
			after.Since[one.ID] = sinceWhen(before.Since, one.ID, looked, now)
			if one.FixedIn != "" {
				after.Fixed[one.ID] = fixedWhen(before, one, looked, now)
			}
		}
		m.Known[key] = after
	}
}

const day = 24 * time.Hour
