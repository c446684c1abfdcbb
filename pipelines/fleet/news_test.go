package fleet_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/notify"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/fleet"
	"github.com/bakelite/bakelite/pipelines/results"
)

// TestNews looks again and again: each thing is told once, whatever the words
// of the day, as soon as somebody took it, and again where it is another.
func TestNews(t *testing.T) {
	y := newYard(t)
	y.policy.MaxLockAge, y.policy.CoolDown = 10*24*time.Hour, 2*24*time.Hour
	y.archive.Publish("trixie", archivetest.Released(), pkg("nginx", "1"))
	a := y.app("web", "", pkg("nginx", "1"))
	var events []notify.Event
	look := func(take bool) string {
		f := y.fleet()
		events = nil
		f.Tell = func(e notify.Event) { events = append(events, e) }
		if _, err := f.Outdated(t.Context(), []app.App{a}, fleet.Options{}); err != nil {
			t.Fatal(err)
		}
		var kinds, ids []string
		for _, e := range events {
			kinds, ids = append(kinds, e.Type+" "+e.Subject), append(ids, e.ID)
		}
		if take {
			if err := f.Told(ids); err != nil {
				t.Fatal(err)
			}
		}
		return strings.Join(kinds, ", ")
	}
	const found, old = notify.UpdateFound + " web", notify.LockTooOld + " web"
	if got := look(true); got != "" {
		t.Errorf("it is current, and told are %s", got)
	}
	y.archive.Publish("trixie-security", y.now, pkg("nginx", "2"))
	for _, step := range []struct {
		after time.Duration
		take  bool
		want  string
	}{{0, false, found}, {time.Hour, true, found}, {2 * time.Hour, true, ""}, {3 * 24 * time.Hour, true, ""}, {11 * 24 * time.Hour, true, old}, {12 * 24 * time.Hour, true, ""}} {
		y.now = archivetest.Released().Add(24*time.Hour + step.after)
		if got := look(step.take); got != step.want {
			t.Errorf("after %s told are %q, want %q", step.after, got, step.want)
		}
	}
	y.archive.Publish("trixie-security", y.now, pkg("nginx", "3"))
	if got := look(true); got != found {
		t.Errorf("of another version told are %q", got)
	}
	text, err := json.Marshal(events[0].Data)
	if want := `"app":"web","file":"` + a.Path; err != nil || !strings.Contains(string(text), want) || !strings.Contains(string(text), `"changes":1`) {
		t.Errorf("the data is %s, %v", text, err)
	}
}

// TestNewsOfUnknown tells of no update that a suite was not read for.
func TestNewsOfUnknown(t *testing.T) {
	y := newYard(t)
	y.archive.Publish("trixie", archivetest.Released(), pkg("nginx", "2"))
	a := y.app("web", "", pkg("nginx", "1"))
	y.archive.Fail(func(path string) int {
		if path == security {
			return 503
		}
		return 0
	})
	f := y.fleet()
	f.Tell = func(e notify.Event) { t.Errorf("told is %+v", e) }
	if _, err := f.Outdated(t.Context(), []app.App{a}, fleet.Options{}); err != nil {
		t.Fatal(err)
	}
}

// TestNewsOfOutcomes tells of what was rebuilt and what failed, in short.
func TestNewsOfOutcomes(t *testing.T) {
	y := newYard(t)
	apps := y.behind(nil, "web", "shop")
	p := y.plan(apps...)
	long := strings.Repeat("é", 1000) + "\nsecond line"
	o := &oven{y: y, fails: map[string]error{"shop": fault.New(fault.Build, "%s", long)}, published: []results.Publication{{Ref: "registry.example/web@" + digest('2')}}}
	f := y.fleet()
	told := map[string]string{}
	f.Tell = func(e notify.Event) {
		text, err := json.Marshal(e.Data)
		if err != nil {
			t.Error(err)
		}
		told[e.Type+" "+e.Subject] = string(text)
	}
	if _, err := f.Rebuild(t.Context(), p, apps, fleet.Run{Do: o.do}); err != nil {
		t.Fatal(err)
	}
	if web := told[notify.Rebuilt+" web"]; !strings.Contains(web, "registry.example/web@") || !strings.Contains(web, digest('2')) {
		t.Errorf("told is %v", told)
	}
	if shop := told[notify.Failed+" shop"]; len(told) != 2 || !strings.Contains(shop, "éé") || strings.Contains(shop, "second line") || len(shop) > 800 || !json.Valid([]byte(shop)) {
		t.Errorf("told is %v", told)
	}
}

// TestNewsOfRevoked tells of each app that stands on what was revoked.
func TestNewsOfRevoked(t *testing.T) {
	s := fleet.Standing{App: app.App{Name: "front"}, LockDigest: digest('3'), Changes: []update.Change{{Kind: update.Revoked, Name: "registry.example/base:1", From: digest('1'), Why: "revoked"}}}
	got := fleet.News(&s, time.Time{}, archivetest.Released())
	if len(got) != 1 || got[0].Type != notify.Revoked || got[0].Subject != "registry.example/base:1@"+digest('1') || !strings.Contains(fmt.Sprint(got[0].Data), "front") {
		t.Errorf("told is %+v", got)
	}
}
