package update_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/update"
)

// fix is one of nginx that came at midnight and was published hours later.
func fix(kind, severity string, hours float64) update.Fix {
	archive := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	f := update.Fix{Package: "nginx", From: "1", To: "2", Kind: kind, Archive: archive, Published: archive.Add(time.Duration(hours * float64(time.Hour)))}
	if severity != "" {
		f.Advisories = []update.Advisory{{ID: "CVE-1", Severity: "low"}, {ID: "CVE-2", Severity: severity}}
	}
	return f
}

func TestSpans(t *testing.T) {
	unseen := fix(update.Disk, "critical", 500)
	unseen.Archive = time.Time{}
	c := update.Clock{Fixes: []update.Fix{
		fix(update.Disk, "", 3), fix(update.Disk, "high", 30), fix(update.Disk, "high", 10), fix(update.Disk, "high", 20),
		fix(update.Container, "critical", 5), unseen,
	}}
	const want = "[{container critical 1 5 5} {disk high 3 20 30} {disk  1 3 3}]"
	if got := fmt.Sprint(c.Spans()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	since := c.Fixes[3].Published
	if got, want := fmt.Sprint(c.From(since).Spans()), "[{disk high 2 30 30}]"; got != want {
		t.Errorf("since then %s, want %s", got, want)
	}
}

func TestBreaches(t *testing.T) {
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	unseen := fix(update.Disk, "critical", 500)
	unseen.Archive = time.Time{}
	c := update.Clock{App: "web", Fixes: []update.Fix{
		fix(update.Disk, "critical", 24), fix(update.Container, "critical", 25), fix(update.Disk, "critical", 25), // late once, in both images
		fix(update.Disk, "high", 73), fix(update.Disk, "medium", 9000), unseen,
	}}
	waits := func(name, severity string, hours int) update.Change {
		return update.Change{Kind: update.Package, Name: name, From: "1", To: "3", Since: now.Add(-time.Duration(hours) * time.Hour), Fixes: []update.Advisory{{Severity: severity}}}
	}
	open := []update.Change{waits("curl", "critical", 30), waits("zlib1g", "critical", 24), {Kind: update.Package, Name: "apt", To: "3", Fixes: []update.Advisory{{Severity: "critical"}}}}
	got := update.Service{"critical": 24, "high": 72}.Breaches(c, open, now)
	const want = "[{web curl 3 critical 30 24 true} {web nginx 2 critical 25 24 false} {web nginx 2 high 73 72 false}]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
