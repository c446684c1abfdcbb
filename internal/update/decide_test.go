package update_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/update"
)

// now is a Saturday at noon.
var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func ago(hours int) time.Time { return now.Add(-time.Duration(hours) * time.Hour) }

// newer is a package that became newer so many hours ago and fixes something
// of each severity.
func newer(name string, origin update.Origin, hours int, severities ...string) update.Change {
	c := update.Change{Kind: update.Package, Name: name, From: "1", To: "2", State: update.Newer, Origin: origin, Since: ago(hours)}
	for i, s := range severities {
		c.Fixes = append(c.Fixes, update.Advisory{ID: fmt.Sprintf("CVE-2026-%d", i), Severity: s, FixedIn: "2"})
	}
	return c
}

func window(t testing.TB, text string) []update.Window {
	t.Helper()
	w, err := update.ParseWindow(text)
	if err != nil {
		t.Fatal(err)
	}
	return []update.Window{w}
}

func TestDecide(t *testing.T) {
	trixie, security := update.PointRelease, update.Security
	image := update.Change{Kind: update.Image, Name: "docker.io/library/debian:13", From: "sha256:" + strings.Repeat("a", 64), To: "sha256:" + strings.Repeat("b", 64)}
	revoked := update.Change{Kind: update.Revoked, Name: image.Name, From: image.From, Why: "the base was revoked"}
	elsewhere := image
	elsewhere.Name = "docker.io/library/alpine:3"
	files := update.Change{Kind: update.Files, Name: "nginx.conf", Why: "nginx.conf changed"}
	recipe := update.Change{Kind: update.Recipe, Name: "bakelite", From: "1.0", To: "1.1"}
	unbuilt := update.Change{Kind: update.Unbuilt, Name: "web", Why: "nothing was built here"}
	parent := update.Change{Kind: update.Parent, Name: "base", Why: "it stands on base, which is rebuilt first"}
	older := update.Change{Kind: update.Package, Name: "nginx", From: "2", To: "1", State: update.Older}
	gone := update.Change{Kind: update.Package, Name: "linux-image-6.1", From: "1", State: update.Gone}
	hold := func(until time.Time) []update.Hold {
		return []update.Hold{{Package: "nginx", Reason: "breaks the cache", Owner: "ops@example.org", Until: until}}
	}
	any := []string{update.OnAny}
	keepable := update.Facts{Keepable: map[string]bool{"nginx": true}}
	tests := []struct {
		name    string
		changes []update.Change
		unknown []update.Unknown
		facts   update.Facts
		policy  update.Policy
		want    update.Action
		words   []string // that reasons or findings have
		keep    string
		until   time.Time
	}{
		{name: "nothing changed", policy: update.Policy{Triggers: any}, want: update.Current},
		{name: "any change", changes: []update.Change{newer("nginx", trixie, 1)}, policy: update.Policy{Triggers: any}, want: update.Rebuild, words: []string{"nginx 1 -> 2"}},
		{name: "security asked, point release came", changes: []update.Change{newer("nginx", trixie, 1)}, policy: update.Policy{Triggers: []string{update.OnSecurity}}, want: update.Pass, words: []string{"1 changes set nothing off"}},
		{name: "security asked, security came", changes: []update.Change{newer("nginx", security, 1)}, policy: update.Policy{Triggers: []string{update.OnSecurity}}, want: update.Rebuild},
		{name: "security asked, a point release that fixes", changes: []update.Change{newer("nginx", trixie, 1, "low")}, policy: update.Policy{Triggers: []string{update.OnSecurity}}, want: update.Rebuild, words: []string{"fixes 1, worst low"}},
		{name: "fixable asked, too mild", changes: []update.Change{newer("nginx", security, 1, "medium")}, policy: update.Policy{Triggers: []string{update.OnFixable}, Severity: "high"}, want: update.Pass},
		{name: "fixable asked, as severe as asked", changes: []update.Change{newer("nginx", security, 1, "low", "high")}, policy: update.Policy{Triggers: []string{update.OnFixable}, Severity: "high"}, want: update.Rebuild, words: []string{"fixes 2, worst high"}},
		{name: "fixable asked, nobody rated it", changes: []update.Change{newer("nginx", security, 1, "unknown")}, policy: update.Policy{Triggers: []string{update.OnFixable}, Severity: "low"}, want: update.Pass},
		{name: "fixable asked, a word that is no severity", changes: []update.Change{newer("nginx", security, 1, "apocalyptic")}, policy: update.Policy{Triggers: []string{update.OnFixable}, Severity: "critical"}, want: update.Rebuild},
		{name: "base asked, base came", changes: []update.Change{image}, policy: update.Policy{Triggers: []string{update.OnBase}}, want: update.Rebuild, words: []string{"sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb"}},
		{name: "base asked, parent rebuilt", changes: []update.Change{parent}, policy: update.Policy{Triggers: []string{update.OnBase}}, want: update.Rebuild, words: []string{"rebuilt first"}},
		{name: "base asked, package came", changes: []update.Change{newer("nginx", security, 1, "critical")}, policy: update.Policy{Triggers: []string{update.OnBase}}, want: update.Pass},
		{name: "security asked, base came", changes: []update.Change{image}, policy: update.Policy{Triggers: []string{update.OnSecurity}}, want: update.Pass},
		{name: "two triggers", changes: []update.Change{image}, policy: update.Policy{Triggers: []string{update.OnSecurity, update.OnBase}}, want: update.Rebuild},
		{name: "the owner's change counts under every trigger", changes: []update.Change{files}, policy: update.Policy{Triggers: []string{update.OnSecurity}}, want: update.Rebuild, words: []string{"nginx.conf changed"}},
		{name: "the owner's change waits for no window", changes: []update.Change{files}, policy: update.Policy{Triggers: any, Windows: window(t, "sun 01:00-02:00")}, want: update.Rebuild},
		{name: "nothing is built yet", changes: []update.Change{unbuilt}, policy: update.Policy{Triggers: []string{update.OnBase}}, want: update.Rebuild},
		{name: "the base was revoked, and its name leads elsewhere", changes: []update.Change{revoked, image}, policy: update.Policy{Triggers: []string{update.OnFixable}, Windows: window(t, "sun 01:00-02:00")}, want: update.Rebuild, words: []string{"was revoked"}},
		{name: "the base was revoked, and its name leads there still", changes: []update.Change{revoked, newer("nginx", security, 90, "critical")}, policy: update.Policy{Triggers: any, Urgent: "low"}, want: update.Blocked, words: []string{"name another image"}},
		{name: "the base was revoked, another one moved", changes: []update.Change{revoked, elsewhere}, policy: update.Policy{Triggers: any}, want: update.Blocked},
		{name: "Bakelite is newer", changes: []update.Change{recipe}, policy: update.Policy{Triggers: any}, want: update.Rebuild, words: []string{"bakelite 1.0 -> 1.1"}},
		{name: "Bakelite is newer, security asked", changes: []update.Change{recipe}, policy: update.Policy{Triggers: []string{update.OnSecurity}}, want: update.Pass},

		{name: "too new", changes: []update.Change{newer("nginx", security, 10)}, facts: keepable, policy: update.Policy{Triggers: any, CoolDown: 48 * time.Hour}, want: update.Wait, words: []string{"cools down until 2026-11-30T02:00:00Z"}, keep: "1", until: now.Add(38 * time.Hour)},
		{name: "as old as asked", changes: []update.Change{newer("nginx", security, 48)}, facts: keepable, policy: update.Policy{Triggers: any, CoolDown: 48 * time.Hour}, want: update.Rebuild},
		{name: "too new but urgent", changes: []update.Change{newer("nginx", security, 10, "critical")}, facts: keepable, policy: update.Policy{Triggers: any, CoolDown: 48 * time.Hour, Urgent: "critical"}, want: update.Rebuild},
		{name: "too new and not urgent enough", changes: []update.Change{newer("nginx", security, 10, "high")}, facts: keepable, policy: update.Policy{Triggers: any, CoolDown: 48 * time.Hour, Urgent: "critical"}, want: update.Wait, keep: "1", until: now.Add(38 * time.Hour)},
		{name: "too new, another is not", changes: []update.Change{newer("nginx", security, 10), newer("zlib1g", security, 90)}, facts: keepable, policy: update.Policy{Triggers: any, CoolDown: 48 * time.Hour}, want: update.Rebuild, words: []string{"zlib1g", "nginx 1 -> 2: cools down"}, keep: "1"},
		{name: "too new, the old one is gone", changes: []update.Change{newer("nginx", security, 10)}, policy: update.Policy{Triggers: any, CoolDown: 48 * time.Hour}, want: update.Wait, words: []string{"no longer in the archive"}, until: now.Add(38 * time.Hour)},
		{name: "the first to cool counts", changes: []update.Change{newer("aa", trixie, 10), newer("bb", trixie, 40), newer("cc", trixie, 20)}, policy: update.Policy{Triggers: any, CoolDown: 48 * time.Hour}, want: update.Wait, until: now.Add(8 * time.Hour)},

		{name: "held", changes: []update.Change{newer("nginx", security, 90, "critical")}, facts: keepable, policy: update.Policy{Triggers: any, Urgent: "low", Holds: hold(now.Add(12 * time.Hour))}, want: update.Pass, words: []string{"held by ops@example.org to 2026-11-28: breaks the cache"}, keep: "1"},
		{name: "held, and another changed", changes: []update.Change{newer("nginx", security, 90), newer("zlib1g", security, 90)}, facts: keepable, policy: update.Policy{Triggers: any, Holds: hold(now.Add(12 * time.Hour))}, want: update.Rebuild, words: []string{"zlib1g", "held by"}, keep: "1"},
		{name: "held at what the archive no longer has", changes: []update.Change{newer("nginx", security, 90)}, policy: update.Policy{Triggers: any, Holds: hold(now.Add(12 * time.Hour))}, want: update.Blocked, words: []string{"held at 1, which the archive no longer has"}},
		{name: "the hold has ended", changes: []update.Change{newer("nginx", security, 90)}, facts: keepable, policy: update.Policy{Triggers: any, Holds: hold(now)}, want: update.Rebuild, words: []string{"ended with 2026-11-28"}},
		{name: "a hold that ended and nothing to take", facts: keepable, policy: update.Policy{Triggers: any, Holds: hold(ago(30))}, want: update.Current, words: []string{"the hold on nginx"}},

		{name: "window shut", changes: []update.Change{newer("nginx", security, 90)}, policy: update.Policy{Triggers: any, Windows: window(t, "sun 01:00-02:00")}, want: update.Wait, words: []string{"opens at 2026-11-29T01:00:00Z"}, until: now.Add(13 * time.Hour)},
		{name: "window open", changes: []update.Change{newer("nginx", security, 90)}, policy: update.Policy{Triggers: any, Windows: window(t, "sat 11:00-13:00")}, want: update.Rebuild},
		{name: "window shut but urgent", changes: []update.Change{newer("nginx", security, 90, "high")}, policy: update.Policy{Triggers: any, Urgent: "high", Windows: window(t, "sun 01:00-02:00")}, want: update.Rebuild},

		{name: "lock too old takes what no trigger asked for", changes: []update.Change{newer("nginx", trixie, 90)}, facts: update.Facts{LockDate: ago(31 * 24)}, policy: update.Policy{Triggers: []string{update.OnBase}, MaxLockAge: 30 * 24 * time.Hour}, want: update.Rebuild, words: []string{"last current 31 days ago: at most 30 days"}},
		{name: "lock too old waits for nothing to cool", changes: []update.Change{newer("nginx", trixie, 1)}, facts: update.Facts{LockDate: ago(31 * 24)}, policy: update.Policy{Triggers: any, CoolDown: 48 * time.Hour, MaxLockAge: 30 * 24 * time.Hour}, want: update.Rebuild},
		{name: "lock too old, but found current since", changes: []update.Change{newer("nginx", trixie, 90)}, facts: update.Facts{LockDate: ago(31 * 24), CurrentAt: ago(90)}, policy: update.Policy{Triggers: []string{update.OnBase}, MaxLockAge: 30 * 24 * time.Hour}, want: update.Pass},
		{name: "lock as old as it may be", facts: update.Facts{LockDate: ago(30 * 24)}, policy: update.Policy{Triggers: any, MaxLockAge: 30 * 24 * time.Hour}, want: update.Current},

		{name: "downgrade", changes: []update.Change{older, newer("zlib1g", security, 90, "critical")}, policy: update.Policy{Triggers: any, Urgent: "low"}, want: update.Blocked, words: []string{"only as 1, older than the lock's 2"}},
		{name: "downgrade that somebody asked for", changes: []update.Change{older}, facts: update.Facts{Rollback: true}, policy: update.Policy{Triggers: []string{update.OnBase}, CoolDown: time.Hour, Windows: window(t, "sun 01:00-02:00")}, want: update.Rebuild, words: []string{"nginx 2 -> 1 (downgrade)"}},
		{name: "downgrade of what is held", changes: []update.Change{older}, facts: update.Facts{Rollback: true}, policy: update.Policy{Triggers: any, Holds: hold(now.Add(12 * time.Hour))}, want: update.Blocked, words: []string{"held at 2, which the archive no longer has"}},
		{name: "vanished", changes: []update.Change{gone}, policy: update.Policy{Triggers: any}, want: update.Rebuild, words: []string{"linux-image-6.1 1 is no longer in the archive"}},
		{name: "vanished, security asked", changes: []update.Change{gone}, policy: update.Policy{Triggers: []string{update.OnSecurity}}, want: update.Pass, words: []string{"no longer in the archive"}},

		{name: "unknown", changes: []update.Change{newer("nginx", security, 90, "critical")}, unknown: []update.Unknown{{What: "trixie-security", Why: "404", Since: ago(3)}}, facts: update.Facts{UnknownLimit: 24 * time.Hour}, policy: update.Policy{Triggers: any, Urgent: "low"}, want: update.DontKnow, words: []string{"trixie-security could not be read since 2026-11-28T09:00:00Z: 404"}},
		{name: "unknown for too long", unknown: []update.Unknown{{What: "trixie", Why: "404", Since: ago(3)}, {What: "trixie-security", Why: "404", Since: ago(24)}}, facts: update.Facts{UnknownLimit: 24 * time.Hour}, policy: update.Policy{Triggers: any}, want: update.Failing},
		{name: "unknown without a limit", unknown: []update.Unknown{{What: "trixie", Why: "404", Since: ago(9000)}}, policy: update.Policy{Triggers: any}, want: update.DontKnow},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := update.Question{Changes: test.changes, Unknown: test.unknown, Facts: test.facts, Policy: test.policy, Now: now}
			got := update.Decide(q)
			if got.Action != test.want || !got.NotBefore.Equal(test.until) || got.Keep["nginx"] != test.keep {
				t.Errorf("got %+v, want %s until %s, keeping %q", got, test.want, test.until, test.keep)
			}
			said := strings.Join(append(slices.Clone(got.Reasons), got.Findings...), "\n")
			for _, words := range test.words {
				if !strings.Contains(said, words) {
					t.Errorf("%q lacks %q", said, words)
				}
			}
		})
	}
}

// TestDecideHolds asks about everything at once, each in every combination, and
// holds the answers to what must be so whatever else is.
func TestDecideHolds(t *testing.T) {
	const most = 30 * 24 * time.Hour
	count := 0
	for bits := range 1 << 11 {
		bit := func(n int) bool { return bits>>n&1 == 1 }
		q := update.Question{Now: now, Policy: update.Policy{Triggers: []string{update.OnAny}, Severity: "high"}}
		nginx := newer("nginx", update.PointRelease, 10)
		if bit(0) {
			nginx = newer("nginx", update.Security, 10, "critical")
		}
		if bit(1) {
			nginx.State, nginx.To = update.Older, "0"
		}
		q.Changes = []update.Change{nginx}
		if bit(2) {
			q.Changes = append(q.Changes, newer("zlib1g", update.PointRelease, 100))
		}
		if bit(3) {
			q.Policy.CoolDown = 48 * time.Hour
		}
		if bit(4) {
			q.Policy.Urgent = "critical"
		}
		if bit(5) {
			q.Policy.Holds = []update.Hold{{Package: "nginx", Reason: "r", Owner: "o", Until: now.Add(time.Hour)}}
		}
		if bit(6) {
			q.Policy.Windows = window(t, "sun 01:00-02:00")
		}
		q.Facts.LockDate = ago(24)
		if bit(7) {
			q.Facts.LockDate = now.Add(-most - time.Hour)
		}
		q.Policy.MaxLockAge = most
		if bit(8) {
			q.Unknown = []update.Unknown{{What: "trixie-security", Why: "w", Since: ago(1)}}
		}
		if bit(9) {
			q.Facts.Keepable = map[string]bool{"nginx": true}
		}
		if bit(10) {
			q.Policy.Triggers = []string{update.OnFixable}
		}
		before := fmt.Sprintf("%+v", q)
		d := update.Decide(q)
		count++
		say := func(format string, args ...any) {
			t.Helper()
			t.Errorf("%011b: %s: %+v", bits, fmt.Sprintf(format, args...), d)
		}
		urgent, held, cools := bit(0) && bit(4), bit(5), bit(3) && !(bit(0) && bit(4)) && !bit(7)
		switch {
		case fmt.Sprintf("%+v", q) != before || !reflect.DeepEqual(d, update.Decide(q)):
			say("it is not pure")
		case bit(8) != (d.Action == update.DontKnow):
			say("unknown is %v", bit(8))
		case bit(8):
		case d.Action == update.Current:
			say("something changed")
		case bit(1) != (d.Action == update.Blocked) && !(held && !bit(9)):
			say("a downgrade is %v", bit(1))
		case held && slices.Contains(d.Taken, "nginx"), held && !bit(1) && bit(9) && d.Keep["nginx"] != "1":
			say("a hold was broken")
		case held && !bit(1) && !bit(9) && d.Action != update.Blocked:
			say("a hold that cannot be kept does not stop it")
		case cools && slices.Contains(d.Taken, "nginx"):
			say("too new and taken")
		case bit(6) && d.Action == update.Rebuild && !(urgent && !held && !bit(1)):
			say("rebuilt in no window")
		case urgent && !held && !bit(1) && d.Action != update.Rebuild:
			say("urgent and not rebuilt")
		case d.Action == update.Wait && !d.NotBefore.After(now):
			say("it waits for nothing")
		case bit(7) != slices.ContainsFunc(d.Findings, func(f string) bool { return strings.Contains(f, "last current") }):
			say("too old is %v", bit(7))
		case (d.Action == update.Rebuild) != (len(d.Taken) > 0):
			say("it takes %v", d.Taken)
		case len(d.Reasons) == 0:
			say("it gives no reason")
		}
	}
	t.Logf("%d questions", count)
}

func TestWindows(t *testing.T) {
	at := func(text string) time.Time {
		when, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	tests := []struct{ window, now, opens string }{
		{"sat 11:00-13:00", "2026-11-28 12:00", ""},
		{"sat 12:00-13:00", "2026-11-28 12:00", ""},
		{"sat 11:00-12:00", "2026-11-28 12:00", "2026-12-05 11:00"},
		{"sun 01:00-02:00", "2026-11-28 12:00", "2026-11-29 01:00"},
		{"fri 22:00-13:00", "2026-11-28 12:00", ""},
		{"fri 22:00-12:00", "2026-11-28 12:00", "2026-12-04 22:00"},
		{"sat,sun 23:00-24:00", "2026-11-28 12:00", "2026-11-28 23:00"},
		{"mon-fri 02:00-04:00", "2026-11-28 12:00", "2026-11-30 02:00"},
		{"fri-mon 02:00-04:00", "2026-11-28 12:00", "2026-11-29 02:00"},
		{"daily 00:00-24:00", "2026-11-28 12:00", ""},
		{"Daily 02:00-03:30", "2026-12-31 23:59", "2027-01-01 02:00"},
	}
	for _, test := range tests {
		d := update.Decide(update.Question{Now: at(test.now), Policy: update.Policy{Triggers: []string{update.OnAny}, Windows: window(t, test.window)},
			Changes: []update.Change{newer("aa", update.Updates, 1)}})
		want := time.Time{}
		if test.opens != "" {
			want = at(test.opens)
		}
		if !d.NotBefore.Equal(want) || (d.Action == update.Rebuild) != want.IsZero() {
			t.Errorf("%s at %s: %s until %s, want %q", test.window, test.now, d.Action, d.NotBefore, test.opens)
		}
	}
	both := append(window(t, "sun 01:00-02:00"), window(t, "sat 20:00-21:00")...)
	d := update.Decide(update.Question{Now: now, Policy: update.Policy{Triggers: []string{update.OnAny}, Windows: both}, Changes: []update.Change{newer("aa", update.Updates, 1)}})
	if !d.NotBefore.Equal(at("2026-11-28 20:00")) {
		t.Errorf("the earlier of two windows opens at %s", d.NotBefore)
	}
	for _, bad := range []string{"", "sat", "sat 1-2", "sat 01:00", "caturday 01:00-02:00", "sat 25:00-26:00", "sat 01:00-01:00", "sat- 01:00-02:00", "sat,,sun 01:00-02:00"} {
		if w, err := update.ParseWindow(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, w)
		}
	}
}

func TestSpan(t *testing.T) {
	got := map[time.Duration]string{}
	want := map[time.Duration]string{time.Hour: "1 h", 71 * time.Hour: "71 h", 72 * time.Hour: "3 days", 31*24*time.Hour + time.Minute: "31 days"}
	for d := range want {
		got[d] = update.Span(d)
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
