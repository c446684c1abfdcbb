package app_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/internal/update"
)

func TestUpdateIsJudged(t *testing.T) {
	good := app.Hold{Package: "nginx", Reason: "r", Owner: "o", Expires: "2026-12-31"}
	change := func(edit func(*app.Hold)) app.Update {
		h := good
		edit(&h)
		return app.Update{Hold: []app.Hold{h}}
	}
	tests := []struct {
		name, key, words string
		update           app.Update
	}{
		{"trigger", "update.trigger[1]", "any, security, fixable, base", app.Update{Trigger: []string{"any", "securty"}}},
		{"trigger twice", "update.trigger[1]", "twice", app.Update{Trigger: []string{"any", "any"}}},
		{"severity", "update.severity", "critical", app.Update{Severity: "none"}},
		{"urgent", "update.urgent", "none", app.Update{Urgent: "severe"}},
		{"window", "update.windows[0]", "is no day", app.Update{Windows: []string{"caturday 01:00-02:00"}}},
		{"held package", "update.hold[0].package", "package name", change(func(h *app.Hold) { h.Package = "nginx=1" })},
		{"held without a reason", "update.hold[0].reason", "empty", change(func(h *app.Hold) { h.Reason = " " })},
		{"held without an owner", "update.hold[0].owner", "empty", change(func(h *app.Hold) { h.Owner = "" })},
		{"held without an end", "update.hold[0].expires", "2026-12-31", change(func(h *app.Hold) { h.Expires = "" })},
		{"held to no day", "update.hold[0].expires", "2026-12-31", change(func(h *app.Hold) { h.Expires = "2026-02-30" })},
		{"held twice", "update.hold[1]", "twice", app.Update{Hold: []app.Hold{good, good}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := valid()
			a.Update = test.update
			problems := app.Validate(a)
			if len(problems) != 1 || problems[0].Key != test.key || !strings.Contains(problems.Error(), test.words) {
				t.Errorf("got %v", problems)
			}
		})
	}
	a := valid()
	a.Update = app.Update{Trigger: []string{"fixable", "base"}, Severity: "low", Urgent: "none", Windows: []string{"daily 01:00-02:00"}, Hold: []app.Hold{good}}
	if problems := app.Validate(a); len(problems) > 0 {
		t.Errorf("got %v", problems)
	}
}

// TestUpdatePolicy fills what an app file leaves out from the settings.
func TestUpdatePolicy(t *testing.T) {
	daily, err := update.ParseWindow("daily 01:00-02:00")
	if err != nil {
		t.Fatal(err)
	}
	sunday, err := update.ParseWindow("sun 01:00-02:00")
	if err != nil {
		t.Fatal(err)
	}
	settings := update.Policy{Triggers: []string{"any"}, Severity: "high", CoolDown: time.Hour, Urgent: "critical", Windows: []update.Window{daily}, MaxLockAge: 2 * time.Hour}
	if got := (app.Update{}).Policy(settings); !reflect.DeepEqual(got, settings) {
		t.Errorf("got %+v", got)
	}
	got := app.Update{
		Trigger: []string{"base"}, Severity: "low", CoolDown: units.Duration(3 * time.Hour), Urgent: "none", Windows: []string{"sun 01:00-02:00"}, MaxLockAge: units.Duration(time.Minute),
		Hold: []app.Hold{{Package: "nginx", Reason: "r", Owner: "o", Expires: "2026-12-31"}},
	}.Policy(settings)
	want := update.Policy{
		Triggers: []string{"base"}, Severity: "low", CoolDown: 3 * time.Hour, Windows: []update.Window{sunday}, MaxLockAge: time.Minute,
		Holds: []update.Hold{{Package: "nginx", Reason: "r", Owner: "o", Until: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
