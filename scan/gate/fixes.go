package gate

import (
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/scan"
)

// DateFixes returns the findings of today's report with FixedSince as far as
// an earlier report of ours is evidence of it; of a zero one nothing is. What
// today's report says itself does not count, as no scanner knows these dates.
//
// A date that is there already is carried over, or today's database's where
// that one is older: it has the fix too. Where the earlier database had no fix
// and today's has one, it is the date of today's; not where the earlier one is
// of the same day or newer, or more than maxGap older, so that an old report
// that was kept or put back makes no fix look new for longer than that. All
// else stays unknown: a finding that the earlier report lacks, a fix that it
// had without a date, another release of the distribution.
//
// Not trusted are dates after the database of the report that states them, and
// so all that are yet to come, and dates before the vulnerability's
// publication. They are dropped, not moved: a moved date would be an invented
// one, and the publication is what counts without it.
//
// A package is known by its type, its name and, of a language, its file; where
// the earlier report has it more than once, the strictest answer counts.
func DateFixes(today, earlier scan.Report, maxGap time.Duration) []scan.Finding {
	before := remembered(earlier)
	known := release(today.OS) == release(earlier.OS)
	gap := today.Database.Updated.Sub(earlier.Database.Updated)
	news := gap > 0 && gap <= maxGap // a missing date makes the gap too wide
	dated := slices.Clone(today.Findings)
	for i := range dated {
		f := &dated[i]
		old, ok := before[nameOf(*f)]
		f.FixedSince = time.Time{}
		switch {
		case f.FixedVersion == "" || !known || !ok:
		case old.fixed:
			f.FixedSince = trusted(earliest(old.since, today.Database.Updated), *f, today.Database.Updated)
		case news:
			f.FixedSince = trusted(today.Database.Updated, *f, today.Database.Updated)
		}
	}
	return dated
}

// name tells findings apart whatever the version of the package.
type name struct{ id, kind, pkg, path string }

func nameOf(f scan.Finding) name { return name{f.ID, f.Type, f.Package, f.Path} }

// memory is what an earlier report says of a fix.
type memory struct {
	fixed bool
	since time.Time // zero where unknown
}

// remembered is what a report says of the fixes of its findings. Where one
// name comes twice, a fix counts more than none and no date more than a date.
func remembered(r scan.Report) map[name]memory {
	all := map[name]memory{}
	for _, f := range r.Findings {
		m := memory{fixed: f.FixedVersion != "", since: trusted(f.FixedSince, f, r.Database.Updated)}
		switch old := all[nameOf(f)]; {
		case !m.fixed:
			m = old
		case old.fixed:
			m.since = earliest(old.since, m.since)
		}
		all[nameOf(f)] = m
	}
	return all
}

// earliest is the earlier of two dates; an unknown one comes first.
func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// trusted returns since, or zero where it cannot be the date of a database
// that knew a fix of f and is not newer than the one of that date.
func trusted(since time.Time, f scan.Finding, database time.Time) time.Time {
	if since.After(database) || since.Before(f.Published) {
		return time.Time{}
	}
	return since.UTC()
}

// release is what advisories are made for: Debian's are the same for all
// point releases.
func release(os scan.OS) scan.OS {
	if os.Family == "debian" {
		os.Name, _, _ = strings.Cut(os.Name, ".")
	}
	return os
}
