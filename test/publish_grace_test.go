package test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/test/harness"
)

// TestGraceCountsFromTheFix publishes by a database in which a vulnerability
// has no fix, and then changed by newer ones that have one. The days count
// from the second database, also by a third: its date is what the grace was
// over at. The policy then gives fewer days, as tests can't wait. The facts
// have no date of publication, by which there would be days without evidence.
func TestGraceCountsFromTheFix(t *testing.T) {
	s := harness.OpenShop(t)
	now := time.Now().UTC()
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	dir := harness.Folder(t)
	database := func(name string, updated time.Time, fixed string) string {
		at := filepath.Join(dir, name)
		harness.MakeDatabase(t, at, updated, `[{"package": "nginx", "id": "CVE-2026-0001", "fixed": "`+fixed+`", "severity": "high"}]`)
		return at
	}
	without, first, later := database("without", ago(40), ""), database("first", ago(20), "99.0-1"), database("later", ago(2), "99.0-2")
	days := func(n int) string {
		return s.Policy(fmt.Sprintf("gate: {maxDatabaseAge: 2400h, allowSkippedTests: true, vulnerabilities: {graceDays: {high: %d}}}\n", n) + harness.Asks(""))
	}
	at := func(shelf, database string, days string) []string {
		return []string{"--registry", shelf, "--database", database, "--policy", days}
	}
	shelf := registry.LayoutPrefix + filepath.Join(dir, "shelf")
	since, notKnown := "fixed since "+ago(20).Format(time.DateOnly), "the fix's date is not known"
	s.Sold(at(shelf, without, days(30))...)

	changed := harness.Branch(t)
	changed.Replace("site/index.html", "<title>", "<title>Changed: ")
	changed.Run(changed.Publishing(append(at(registry.LayoutPrefix+filepath.Join(dir, "empty"), first, days(30)), "--skip-tests")...)...).Want(t, 6, notKnown)
	p := changed.Sold(append(at(shelf, first, days(30)), "--skip-tests")...)
	i := s.Inspect(shelf + "/web")
	if f := i.Report.Findings; i.Digest != p.Digest || len(f) == 0 || f[0].FixedSince.Format(time.DateOnly) != ago(20).Format(time.DateOnly) {
		t.Errorf("inspect says of %s: %+v", i.Digest, f)
	}
	if said := fmt.Sprint(i.Verdict.Rules); i.Verdict.Outcome != "passed" || !strings.Contains(said, "2 in grace: CVE-2026-0001 of nginx (30 days, "+since+"), CVE-2026-0001 of nginx-common (30 days, "+since+")") {
		t.Errorf("the verdict is %s", said)
	}

	t.Run("judged again", func(t *testing.T) {
		s.T = t
		s.Run("scan", "--judge", "--policy", days(30), "--database", later, "--format", "json", shelf+"/web").Want(t, 0).Says(t, `"fixedSince": "`+ago(20).Format(time.DateOnly))
		s.Run("scan", "--judge", "--policy", days(15), "--database", later, "--format", "json", shelf+"/web").Want(t, 6, since)
	})
	t.Run("grace is over", func(t *testing.T) {
		changed.T = t
		changed.Judged(append(at(shelf, later, days(15)), "--skip-tests")...).Want(t, 6, "15 days, "+since)
		changed.Sold(append(at(shelf, later, days(30)), "--skip-tests")...)
	})
	t.Run("another key's evidence", func(t *testing.T) {
		s.T, changed.T = t, t
		evil, forged := filepath.Join(harness.Folder(t), "evil"), registry.LayoutPrefix+filepath.Join(harness.Folder(t), "shelf")
		s.Run("keygen", "--name", evil).Want(t, 0)
		s.Sold("--key", evil+".key", "--registry", forged, "--database", without, "--policy", s.Policy("gate: {maxDatabaseAge: 2400h}\n"))
		o := changed.Judged(append(at(forged, first, days(30)), "--skip-tests")...).Want(t, 6, notKnown, "warning: what was published before is no evidence", "not signed by an allowed key")
		if strings.Contains(o.Stderr, "fixed since") {
			t.Errorf("another key's report was believed:\n%s", o.Stderr)
		}
	})
}
