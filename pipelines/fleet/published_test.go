package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/fleet"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/pipelines/pin"
)

// shelf has what is published of an app.
type shelf struct {
	reader
	locks map[string]look.PublishedLock
	err   error
}

func (s shelf) Published(context.Context, app.App) (map[string]look.PublishedLock, error) {
	return s.locks, s.err
}

// TestPublishedIsCompared: what is published is judged by the locks attested
// for it and not by the one beside the app file; a registry that is out of
// reach makes it unknown, and what cannot be believed is an error.
func TestPublishedIsCompared(t *testing.T) {
	y := newYard(t)
	y.archive.Publish("trixie", archivetest.Released(), pkg("nginx", "2"))
	web := y.app("web", "", pkg("nginx", "2"))
	current, err := lock.Read(pin.Path(web))
	y.lock(web, pkg("nginx", "1"))
	behind, err2 := lock.Read(pin.Path(web))
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	older := *current
	older.Bakelite = "0.9"
	at := func(l *lock.Lock, ref string) look.PublishedLock { return look.PublishedLock{Ref: ref, Lock: *l} }
	for name, tt := range map[string]struct {
		locks map[string]look.PublishedLock
		err   error
		want  string
		kind  fault.Kind // of what makes it impossible to judge
	}{
		"both of one lock": {locks: map[string]look.PublishedLock{update.Disk: at(current, "d"), update.Container: at(current, "c")}, want: "[c d: current]"},
		"one is behind":    {locks: map[string]look.PublishedLock{update.Disk: at(behind, "d"), update.Container: at(current, "c")}, want: "[c: current d: rebuild nginx 1>2]"},
		"of an older one":  {locks: map[string]look.PublishedLock{update.Container: at(&older, "c")}, want: "[c: rebuild bakelite 0.9>1.0]"},
		"nothing":          {want: "[: rebuild web >]"},
		"out of reach":     {err: fault.New(fault.Network, "the registry is out of reach"), want: "[: unknown]"},
		"not believed":     {err: fault.New(fault.Policy, "nobody of the policy signed it"), want: "[: ]", kind: fault.Policy},
	} {
		t.Run(name, func(t *testing.T) {
			f := y.fleet()
			f.Reader = shelf{reader{look.Reader{}, y}, tt.locks, tt.err}
			all, err := f.Outdated(t.Context(), []app.App{web}, fleet.Options{Published: true})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range all {
				text := s.Artifact + ": " + string(s.Decision.Action)
				for _, c := range s.Changes {
					text += fmt.Sprintf(" %s %s>%s", c.Name, c.From, c.To)
				}
				got = append(got, text)
				if (s.Err != nil) != (tt.kind != 0) || s.Err != nil && (fault.KindOf(s.Err) != tt.kind || !strings.Contains(s.Err.Error(), "what is published of web")) {
					t.Errorf("it cannot be judged for %v", s.Err)
				}
			}
			if fmt.Sprint(got) != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

// TestUnfitAppIsNoObstacle: an app that cannot be judged is an error beside the
// plan of the others, which holds.
func TestUnfitAppIsNoObstacle(t *testing.T) {
	y := newYard(t)
	apps := y.behind(nil, "torn", "web")
	edit(t, pin.Path(apps[0]), "kind: Lock", "kind: Lack")
	p, err := y.fleet().Plan(t.Context(), apps, fleet.Order{})
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "torn: ") {
		t.Errorf("ended with %v", err)
	}
	if got := strings.Join(p.Names(), " "); got != "web" || len(p.Others) > 0 {
		t.Errorf("planned is %q, left %+v", got, p.Others)
	}
}

// TestRunIsStopped: a command that is stopped begins no other app, says of the
// one at work that it was stopped and not that it failed, and the next run
// takes up what is left.
func TestRunIsStopped(t *testing.T) {
	y := newYard(t)
	apps := y.behind(nil, "a1", "a2", "a3")
	given := y.plan(apps...)
	f := y.fleet()
	f.Jobs = 1
	ctx, stop := context.WithCancel(t.Context())
	o := &oven{y: y, fails: map[string]error{}, during: func(name string) {
		if name == "a2" {
			stop()
		}
	}}
	o.fails["a2"] = fmt.Errorf("building: %w", context.Canceled)
	run := fleet.Run{Do: o.do}
	if _, err := f.Resume(&run, given, &given); err != nil {
		t.Fatal(err)
	}
	outcomes, err := f.Rebuild(ctx, given, apps, run)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []fleet.State{fleet.Rebuilt, fleet.Skipped, fleet.Skipped} {
		if outcomes[i].State != want || (want == fleet.Skipped) != (outcomes[i].Why == "the run was stopped") {
			t.Errorf("%+v, want %s", outcomes[i], want)
		}
	}
	again := fleet.Run{}
	left, err := f.Resume(&again, y.planWithout(given, apps), &given)
	if err != nil || strings.Join(left.Names(), " ") != "a2 a3" || len(again.Before) != 1 {
		t.Errorf("left is %q, done %+v, %v", left.Names(), again.Before, err)
	}
}
