package gate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

// TestGrace: the finding was published 10 days ago, the database is an hour
// old, and a finding with a fix may stay for some days.
func TestGrace(t *testing.T) {
	fixed := func(days int) func(*scan.Finding) { return withFix(ago(days)) }
	never := func(since time.Time) func(*scan.Finding) {
		return func(f *scan.Finding) { f.Published, f.FixedSince = time.Time{}, since }
	}
	tests := []struct {
		name   string
		days   int
		change func(*scan.Finding)
		in     bool
		words  string
		// database is how far the database's date is from now, an hour ago by
		// default.
		database time.Duration
	}{
		{"by the fix", 5, fixed(4), true, "5 days, fixed since 2026-11-20", 0},
		{"by the fix, over", 4, fixed(4), false, "4 days, fixed since 2026-11-20", 0},
		{"by the fix alone", 5, never(ago(4)), true, "fixed since 2026-11-20", 0},
		{"by the fix alone, over", 4, never(ago(4)), false, "fixed since 2026-11-20", 0},
		{"by the publication", 11, nil, true, "11 days, published 2026-11-14, the fix's date is not known", 0},
		{"by the publication, over", 10, nil, false, "10 days, published 2026-11-14, the fix's date is not known", 0},
		{"by neither", 3650, never(time.Time{}), false, "the publication's date is not known, the fix's date is not known", 0},
		{"no days", 0, fixed(1), false, "", 0},
		{"one day", 1, fixed(1), false, "1 day, fixed since 2026-11-23", 0},
		{"a fix yet to come", 10, withFix(now.Add(time.Minute)), false, "published 2026-11-14, the fix's date", 0},
		{"a fix yet to come, by the database of a clock that is ahead", 10, withFix(now.Add(time.Minute)), false, "published 2026-11-14, the fix's date", 2 * time.Minute},
		{"a fix after the database", 10, withFix(now.Add(-time.Minute)), false, "published 2026-11-14, the fix's date", 0},
		{"a fix at the database", 1, withFix(now.Add(-time.Hour)), true, "fixed since 2026-11-24", 0},
		{"a fix before the publication", 11, fixed(11), true, "published 2026-11-14, the fix's date", 0},
		{"a fix yet to come, never published", 10, never(now.Add(time.Minute)), false, "the publication's date is not known", 0},
		{"a date without a fix", 10, func(f *scan.Finding) { f.FixedVersion, f.FixedSince = "", ago(1) }, false, "published 2026-11-14, there is no fix", 0},
		{"no fix", 11, func(f *scan.Finding) { f.FixedVersion = "" }, true, "published 2026-11-14, there is no fix", 0},
		{"published yet to come", 10, func(f *scan.Finding) { f.Published, f.FixedSince = now.Add(time.Minute), ago(1) }, false, "published 2026-11-24, which is yet to come", 0},
	}
	for _, tt := range tests {
		in := input()
		f := finding()
		if tt.change != nil {
			tt.change(&f)
		}
		in.Report.Findings = []scan.Finding{f}
		if tt.database != 0 {
			in.Report.Database.Updated = now.Add(tt.database)
		}
		in.Policy.Gate.Vulnerabilities.Unfixed = true
		in.Policy.Gate.Vulnerabilities.GraceDays = map[string]int{"high": tt.days, "critical": 3650, "low": 3650}
		v, _, ok := gate.Judge(in)
		rule := ruleOf(t, v, policy.RuleVulnerabilities)
		said := rule.Saw
		if !ok {
			said = rule.Violations[0].Detail
		}
		if ok != tt.in || !strings.Contains(said, tt.words) || strings.Contains(said, "out of grace: ") != (!tt.in && tt.days > 0) {
			t.Errorf("%s: in grace %v, %q, %+v", tt.name, ok, rule.Saw, rule.Violations)
		}
		if !ok && !strings.Contains(v.Err().Error(), tt.words) {
			t.Errorf("%s: the refusal is %v", tt.name, v.Err())
		}
	}
}

// TestGracesAreListed: sorted, each once, and not without end.
func TestGracesAreListed(t *testing.T) {
	in := input()
	in.Policy.Gate.Vulnerabilities.GraceDays = map[string]int{"high": 30}
	for _, n := range []int{7, 3, 1, 1, 2, 6, 5, 4} {
		f := finding()
		f.ID, f.FixedSince = fmt.Sprintf("CVE-%d", n), ago(2)
		in.Report.Findings = append(in.Report.Findings, f)
	}
	v, _, ok := gate.Judge(in)
	want := "; 8 in grace: CVE-1 of openssl (30 days, fixed since 2026-11-22), CVE-2 of "
	if saw := ruleOf(t, v, policy.RuleVulnerabilities).Saw; !ok || !strings.Contains(saw, want) || !strings.HasSuffix(saw, " and 2 more") || strings.Contains(saw, "CVE-6") {
		t.Errorf("it saw %q", saw)
	}
}
