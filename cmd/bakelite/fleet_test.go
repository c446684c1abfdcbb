package main

import (
	"context"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/update"
)

// TestEveryApp takes the example's apps, with the settings that stand there.
func TestEveryApp(t *testing.T) {
	t.Chdir("../../examples/fleet")
	c := &cobra.Command{}
	c.SetContext(context.Background())
	settings.AddFlags(c.Flags())
	c.Flags().Bool(verbose, false, "")
	s, err := load(c)
	if err != nil {
		t.Fatal(err)
	}
	apps, err := appsOf(s, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	var names, triggers []string
	for _, a := range apps {
		p := a.Update.Policy(updatePolicy(s.Update))
		names, triggers = append(names, a.Name), append(triggers, p.Triggers...)
		if p.Urgent != "critical" || p.MaxLockAge.Hours() != 336 {
			t.Errorf("%s takes %+v", a.Name, p)
		}
	}
	if got := strings.Join(names, " "); got != "base cache echo files front" {
		t.Errorf("got %s", got)
	}
	if got := strings.Join(triggers, " "); got != strings.Join([]string{update.OnAny, update.OnAny, update.OnFixable, update.OnSecurity, update.OnAny}, " ") {
		t.Errorf("triggers are %s", got)
	}
	for _, wrong := range []struct {
		patterns, paths []string
		kind            fault.Kind
		words           string
	}{
		{[]string{"*.app.yaml"}, []string{"web"}, fault.Invalid, "give no other"},
		{[]string{"../web/app.yaml"}, nil, fault.Invalid, "leads out of the working folder"},
		{[]string{"[.yaml"}, nil, fault.Invalid, "[.yaml"},
		{[]string{"no/*.yaml"}, nil, fault.Missing, "no app file is named"},
	} {
		s.Apps = wrong.patterns
		if _, err := appsOf(s, wrong.paths, true); fault.KindOf(err) != wrong.kind || !strings.Contains(err.Error(), wrong.words) {
			t.Errorf("%q %q: %v", wrong.patterns, wrong.paths, err)
		}
	}
}
