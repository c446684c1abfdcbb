package gate_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

// ago is a date some days before now.
func ago(days int) time.Time { return now.AddDate(0, 0, -days) }

func withFix(since time.Time) func(*scan.Finding) {
	return func(f *scan.Finding) { f.FixedSince = since }
}

func withoutFix(f *scan.Finding) { f.FixedVersion = "" }

// TestDateFixes: the earlier database is 9 days old, today's 1 day, the
// finding was published 10 days ago; a gap of 30 days is allowed.
func TestDateFixes(t *testing.T) {
	tests := []struct {
		name    string
		today   func(*scan.Finding)
		earlier []func(*scan.Finding) // findings of the earlier report
		reports func(today, earlier *scan.Report)
		want    time.Time
	}{
		{"no earlier report", nil, nil, func(_, earlier *scan.Report) { *earlier = scan.Report{} }, time.Time{}},
		{"not in the earlier report", nil, nil, nil, time.Time{}},
		{"carried over", nil, []func(*scan.Finding){withFix(ago(9))}, nil, ago(9)},
		{"carried over to another version of the package", func(f *scan.Finding) { f.Version, f.FixedVersion, f.PURL = "3.5.1-2", "3.5.1-3", "" }, []func(*scan.Finding){withFix(ago(9))}, nil, ago(9)},
		{"carried over from long ago", nil, []func(*scan.Finding){withFix(ago(9))}, func(today, _ *scan.Report) { today.Database.Updated = ago(-60) }, ago(9)},
		{"a fix of an unknown date", nil, []func(*scan.Finding){nil}, nil, time.Time{}},
		{"a fix since then", nil, []func(*scan.Finding){withoutFix}, nil, ago(1)},
		{"still no fix", withoutFix, []func(*scan.Finding){withoutFix}, nil, time.Time{}},
		{"the fix is gone", withoutFix, []func(*scan.Finding){withFix(ago(9))}, nil, time.Time{}},

		{"in another time zone", nil, []func(*scan.Finding){withFix(ago(9).In(time.FixedZone("", 7200)))}, nil, ago(9)},
		{"what a scanner says", withFix(ago(3)), nil, nil, time.Time{}},
		{"what a scanner says of an unknown date", withFix(ago(3)), []func(*scan.Finding){nil}, nil, time.Time{}},
		{"what a scanner says of a known date", withFix(ago(8)), []func(*scan.Finding){withFix(ago(9))}, nil, ago(9)},

		{"another vulnerability", func(f *scan.Finding) { f.ID = "CVE-2026-2" }, []func(*scan.Finding){withoutFix}, nil, time.Time{}},
		{"another package", func(f *scan.Finding) { f.Package = "libssl3" }, []func(*scan.Finding){withoutFix}, nil, time.Time{}},
		{"another package system", func(f *scan.Finding) { f.Type = "npm" }, []func(*scan.Finding){withoutFix}, nil, time.Time{}},
		{"another file", func(f *scan.Finding) { f.Path = "srv/app" }, []func(*scan.Finding){withoutFix}, nil, time.Time{}},

		{"another point release", nil, []func(*scan.Finding){withoutFix}, func(_, earlier *scan.Report) { earlier.OS.Name = "13.1" }, ago(1)},
		{"another release", nil, []func(*scan.Finding){withoutFix}, func(_, earlier *scan.Report) { earlier.OS.Name = "12.2" }, time.Time{}},
		{"another distribution", nil, []func(*scan.Finding){withoutFix}, func(_, earlier *scan.Report) { earlier.OS.Family = "alpine" }, time.Time{}},
		{"another release of Ubuntu", nil, []func(*scan.Finding){withoutFix}, func(today, earlier *scan.Report) {
			today.OS, earlier.OS = scan.OS{Family: "ubuntu", Name: "24.10"}, scan.OS{Family: "ubuntu", Name: "24.04"}
		}, time.Time{}},

		{"an older database today, no fix before", nil, []func(*scan.Finding){withoutFix}, func(today, _ *scan.Report) { today.Database.Updated = ago(10) }, time.Time{}},
		{"the same database, no fix before", nil, []func(*scan.Finding){withoutFix}, func(today, _ *scan.Report) { today.Database.Updated = ago(9) }, time.Time{}},
		{"an older database today, which has the fix", nil, []func(*scan.Finding){withFix(ago(9))}, func(today, _ *scan.Report) { today.Database.Updated = ago(10) }, ago(10)},
		{"the gap is as wide as allowed", nil, []func(*scan.Finding){withoutFix}, func(_, earlier *scan.Report) { earlier.Database.Updated = ago(31) }, ago(1)},
		{"the gap is wider", nil, []func(*scan.Finding){withoutFix}, func(_, earlier *scan.Report) { earlier.Database.Updated = ago(32) }, time.Time{}},
		{"an earlier database without a date", nil, []func(*scan.Finding){withoutFix}, func(_, earlier *scan.Report) { earlier.Database.Updated = time.Time{} }, time.Time{}},
		{"a database of today without a date", nil, []func(*scan.Finding){withFix(ago(9))}, func(today, _ *scan.Report) { today.Database.Updated = time.Time{} }, time.Time{}},

		{"later than its own database", nil, []func(*scan.Finding){withFix(ago(8))}, nil, time.Time{}},
		{"yet to come", nil, []func(*scan.Finding){withFix(ago(-1))}, nil, time.Time{}},
		{"before the publication", nil, []func(*scan.Finding){withFix(ago(11))}, nil, time.Time{}},
		{"before the publication as it is known today", func(f *scan.Finding) { f.Published = ago(8) }, []func(*scan.Finding){withFix(ago(9))}, nil, time.Time{}},
		{"on the day of the publication", nil, []func(*scan.Finding){withFix(ago(10))}, nil, ago(10)},
		{"a publication after today's database", func(f *scan.Finding) { f.Published = now }, []func(*scan.Finding){withoutFix}, nil, time.Time{}},
		{"never published", func(f *scan.Finding) { f.Published = time.Time{} }, []func(*scan.Finding){withoutFix}, nil, ago(1)},

		{"twice, the earlier date first", nil, []func(*scan.Finding){withFix(ago(10)), withFix(ago(9))}, nil, ago(10)},
		{"twice, the earlier date last", nil, []func(*scan.Finding){withFix(ago(9)), withFix(ago(10))}, nil, ago(10)},
		{"twice, one of them undated", nil, []func(*scan.Finding){withFix(ago(9)), nil}, nil, time.Time{}},
		{"twice, the undated first", nil, []func(*scan.Finding){nil, withFix(ago(9))}, nil, time.Time{}},
		{"twice, one of them without a fix", nil, []func(*scan.Finding){withFix(ago(9)), withoutFix}, nil, ago(9)},
		{"twice, the one without a fix first", nil, []func(*scan.Finding){withoutFix, nil}, nil, time.Time{}},
	}
	for _, tt := range tests {
		f := finding()
		if tt.today != nil {
			tt.today(&f)
		}
		today := scan.Report{OS: scan.OS{Family: "debian", Name: "13.2"}, Database: scan.Database{Updated: ago(1)}, Findings: []scan.Finding{f}}
		earlier := scan.Report{OS: today.OS, Database: scan.Database{Updated: ago(9)}}
		for _, change := range tt.earlier {
			old := finding()
			if change != nil {
				change(&old)
			}
			earlier.Findings = append(earlier.Findings, old)
		}
		if tt.reports != nil {
			tt.reports(&today, &earlier)
		}
		got := gate.DateFixes(today, earlier, 30*24*time.Hour)
		if len(got) != 1 || got[0].FixedSince != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
			continue
		}
		if !reflect.DeepEqual(today.Findings[0], f) {
			t.Errorf("%s: today's report was changed", tt.name)
		}
		got[0].FixedSince = f.FixedSince
		if !reflect.DeepEqual(got[0], f) {
			t.Errorf("%s: more than the date was changed: %+v", tt.name, got[0])
		}
	}
}

// TestDatesOutliveReports carries a date from report to report, and loses it
// with the fix.
func TestDatesOutliveReports(t *testing.T) {
	report := scan.Report{Database: scan.Database{Updated: ago(40)}, Findings: []scan.Finding{finding()}}
	report.Findings[0].Published, report.Findings[0].FixedVersion = ago(50), ""
	for _, step := range []struct {
		age   int
		fixed string
		want  time.Time
	}{{30, "", time.Time{}}, {20, "2", ago(20)}, {10, "3", ago(20)}, {5, "", time.Time{}}, {2, "3", ago(2)}, {1, "3", ago(2)}} {
		next := report
		next.Findings = []scan.Finding{report.Findings[0]}
		next.Database.Updated, next.Findings[0].FixedVersion = ago(step.age), step.fixed
		next.Findings = gate.DateFixes(next, report, 30*24*time.Hour)
		if got := next.Findings[0].FixedSince; !got.Equal(step.want) {
			t.Errorf("%d days ago: %v, want %v", step.age, got, step.want)
		}
		report = next
	}
}
