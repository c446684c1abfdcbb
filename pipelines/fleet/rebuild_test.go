package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/fleet"
	"github.com/bakelite/bakelite/pipelines/results"
)

// behind makes apps of which each is behind by nginx, and each but the first
// stands on one of them as stands says.
func (y *yard) behind(stands map[string]string, names ...string) []app.App {
	y.t.Helper()
	y.archive.Publish("trixie", archivetest.Released(), pkg("nginx", "2"))
	var apps []app.App
	for _, name := range names {
		if parent, ok := stands[name]; ok {
			ref := "registry.example/team/" + parent + ":latest"
			y.images[ref] = digest('1')
			apps = append(apps, y.app(name, "base: {image: '"+ref+"'}\n"))
			continue
		}
		apps = append(apps, y.app(name, "", pkg("nginx", "1")))
	}
	return apps
}

func (y *yard) plan(apps ...app.App) update.Plan {
	y.t.Helper()
	p, err := y.fleet().Plan(y.t.Context(), apps, y.built())
	if err != nil {
		y.t.Fatal(err)
	}
	return p
}

// built is an order that does not ask whether anything was built here.
func (y *yard) built() fleet.Order { return fleet.Order{} }

// oven rebuilds apps as a real one does, by writing the lock last, and notes in
// which order.
type oven struct {
	y     *yard
	mu    sync.Mutex
	began []string
	fails map[string]error
	// during is called while an app is in it.
	during func(name string)
	// resolves are the changes that apt would find, by app.
	resolves map[string][]lock.Change
	// published is what each publishes.
	published []results.Publication
}

func (o *oven) do(_ context.Context, a app.App, options bake.RebuildOptions) (*results.Built, error) {
	o.mu.Lock()
	o.began = append(o.began, a.Name)
	o.mu.Unlock()
	if o.during != nil {
		o.during(a.Name)
	}
	changes := o.resolves[a.Name]
	if changes == nil {
		changes = []lock.Change{{Package: "nginx", Arch: "amd64", From: "1", To: "2", Layers: []string{"app"}}}
	}
	if err := options.Accept(nil, changes); err != nil {
		return nil, err
	}
	if err := o.fails[a.Name]; err != nil {
		return nil, err
	}
	o.y.lock(a, pkg("nginx", "2"))
	r := results.Receipt{App: a.Name, LockDigest: digest('2'), Made: o.y.now.Add(-2 * time.Minute)}
	return &results.Built{Receipt: r, Rebuilt: true, Changes: changes, Published: o.published}, nil
}

func (y *yard) rebuild(p update.Plan, apps []app.App, r fleet.Run) map[string]fleet.Outcome {
	y.t.Helper()
	outcomes, err := y.fleet().Rebuild(y.t.Context(), p, apps, r)
	if err != nil {
		y.t.Fatal(err)
	}
	all := map[string]fleet.Outcome{}
	for _, o := range outcomes {
		all[o.App] = o
	}
	return all
}

func states(outcomes map[string]fleet.Outcome) string {
	var all []string
	for name, o := range outcomes {
		all = append(all, name+"="+string(o.State))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// TestPlan says what will be done, in which order, and does none of it.
func TestPlan(t *testing.T) {
	y := newYard(t)
	apps := y.behind(map[string]string{"aa": "zz"}, "aa", "mm", "zz")
	current := y.app("current", "", pkg("nginx", "2"))
	if err := os.MkdirAll(filepath.Join(y.dir, "dist"), 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := y.fleet().Plan(t.Context(), append(apps, current), fleet.Order{Options: bake.Options{Targets: []string{"container"}, SkipTests: true}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.Names(), " "); got != "zz aa current mm" {
		t.Errorf("the order is %s", got) // current was not built here
	}
	child := p.Apps[1]
	if !slices.Equal(child.After, []string{"zz"}) || child.Follows {
		t.Errorf("aa comes after %v, follows: %v", child.After, child.Follows)
	}
	if p.Download != pkg("nginx", "2").Pin("debian").Size {
		t.Errorf("%d bytes are to be downloaded, each once", p.Download)
	}
	again, err := y.fleet().Plan(t.Context(), append(apps, current), fleet.Order{Options: bake.Options{Targets: []string{"container"}, SkipTests: true}})
	if err != nil || again.Digest() != p.Digest() {
		t.Errorf("the same plan has another digest: %v", err)
	}
}

func TestAppsThatStandOnEachOther(t *testing.T) {
	y := newYard(t)
	apps := y.behind(map[string]string{"aa": "bb", "bb": "aa"}, "aa", "bb")
	_, err := y.fleet().Plan(t.Context(), apps, fleet.Order{})
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "aa -> bb -> aa") {
		t.Errorf("got %v", err)
	}
}

// TestOneFails lets the middle of three that stand on each other fail: what
// follows it alone is left, what stands beside goes on, and outdated says so.
func TestOneFails(t *testing.T) {
	y := newYard(t)
	apps := y.behind(map[string]string{"b2": "b1", "b3": "b2"}, "b1", "b2", "b3", "other")
	p := y.plan(apps...)
	for i := range p.Apps { // as if they had been built before
		p.Apps[i].Follows = len(p.Apps[i].After) > 0
	}
	o := &oven{y: y, fails: map[string]error{"b2": fault.New(fault.Policy, "2 of 5 checks failed")}}
	got := y.rebuild(p, apps, fleet.Run{Do: o.do})
	if states(got) != "b1=rebuilt b2=failed b3=skipped other=rebuilt" || slices.Contains(o.began, "b3") {
		t.Errorf("got %s; began %v", states(got), o.began)
	}
	if slices.Index(o.began, "b1") > slices.Index(o.began, "b2") {
		t.Errorf("began %v", o.began)
	}
	if fault.KindOf(got["b2"].Err) != fault.Policy || !strings.Contains(got["b3"].Why, "b2") {
		t.Errorf("%+v", got)
	}
	for _, s := range y.outdated(fleet.Options{Build: &bake.Options{}}, apps...) {
		if failed := s.Failed != nil; failed != (s.App.Name == "b2") || failed && !strings.Contains(s.Failed.Why, "checks failed") {
			t.Errorf("%s: %+v", s.App.Name, s.Failed)
		}
	}
	o.fails = nil
	y.rebuild(p, apps, fleet.Run{Do: o.do})
	if s := y.outdated(fleet.Options{Build: &bake.Options{}}, apps[1])[0]; s.Failed != nil {
		t.Errorf("it went well and is said to have failed: %+v", s.Failed)
	}
}

// TestTenOfAHundred has one security update beneath ten of a hundred apps: these
// are rebuilt, once each, and its package counts once for the download.
func TestTenOfAHundred(t *testing.T) {
	y := newYard(t)
	y.archive.Publish("trixie", archivetest.Released(), pkg("nginx", "1"), pkg("zlib1g", "1"))
	var apps []app.App
	var affected []string
	for n := range 100 {
		name := fmt.Sprintf("app-%02d", n)
		if n%10 == 3 {
			apps, affected = append(apps, y.app(name, "", pkg("nginx", "1"), pkg("zlib1g", "1"))), append(affected, name)
			continue
		}
		apps = append(apps, y.app(name, "", pkg("zlib1g", "1")))
	}
	came := pkg("nginx", "2")
	y.archive.Publish("trixie-security", archivetest.Released().Add(time.Hour), came)
	stand := y.outdated(fleet.Options{}, apps...)
	rebuilt := slices.DeleteFunc(stand, func(s fleet.Standing) bool { return s.Decision.Action == update.Current })
	if len(rebuilt) != len(affected) {
		t.Fatalf("%d of 100 are outdated", len(rebuilt))
	}
	var behind []app.App
	for _, s := range rebuilt {
		behind = append(behind, s.App)
	}
	p := y.plan(behind...)
	if !slices.Equal(p.Names(), affected) || p.Download != came.Pin("debian-security").Size {
		t.Errorf("planned are %v, with %d bytes to download", p.Names(), p.Download)
	}
	o := &oven{y: y}
	y.rebuild(p, apps, fleet.Run{Do: o.do})
	slices.Sort(o.began)
	if !slices.Equal(o.began, affected) {
		t.Errorf("rebuilt are %v", o.began)
	}
	for _, s := range y.outdated(fleet.Options{}, apps...) {
		if s.Decision.Action != update.Current {
			t.Errorf("%s: %+v", s.App.Name, s.Decision)
		}
	}
}

func TestMaxFailures(t *testing.T) {
	y := newYard(t)
	apps := y.behind(nil, "a1", "a2", "a3", "a4", "a5", "a6")
	broken := errors.New("broken")
	o := &oven{y: y, fails: map[string]error{"a1": broken, "a2": broken, "a3": broken}}
	f := y.fleet()
	f.Jobs = 1
	outcomes, err := f.Rebuild(t.Context(), y.plan(apps...), apps, fleet.Run{Do: o.do, MaxFailures: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(o.began); got != "[a1 a2]" || outcomes[5].State != fleet.Skipped || outcomes[5].Why != "2 apps had failed" {
		t.Errorf("began %s, %+v", got, outcomes)
	}
}

// TestSideBySide holds two apps in the oven until both are there.
func TestSideBySide(t *testing.T) {
	y := newYard(t)
	apps := y.behind(nil, "a1", "a2", "a3")
	var both sync.WaitGroup
	both.Add(2)
	o := &oven{y: y, during: func(name string) {
		if name != "a3" {
			both.Done()
			both.Wait()
		}
	}}
	if got := y.rebuild(y.plan(apps...), apps, fleet.Run{Do: o.do}); states(got) != "a1=rebuilt a2=rebuilt a3=rebuilt" {
		t.Errorf("got %s", states(got))
	}
}

// TestExactlyThePlan changes between plan and run what a plan is made of, and
// what apt resolves.
func TestExactlyThePlan(t *testing.T) {
	tests := []struct {
		name   string
		change func(y *yard, apps []app.App)
		want   string
	}{
		{"nothing", func(*yard, []app.App) {}, ""},
		{"the archive moved on", func(y *yard, _ []app.App) {
			y.archive.Publish("trixie-security", archivetest.Released().Add(time.Hour), pkg("nginx", "3"))
		}, "web: planned, and no longer so: nginx 1 -> 2\n  web: not planned, and so now: nginx 1 -> 3"},
		{"the app file changed", func(y *yard, apps []app.App) {
			text, err := os.ReadFile(apps[0].Path)
			if err != nil {
				y.t.Fatal(err)
			}
			if err := os.WriteFile(apps[0].Path, append(text, "# mine\n"...), 0o644); err != nil {
				y.t.Fatal(err)
			}
		}, "web: its app file changed"},
		{"the lock changed", func(y *yard, apps []app.App) {
			y.lock(apps[0], pkg("nginx", "1"), pkg("zlib1g", "1"))
		}, "web: its lock changed"},
		{"it was rebuilt by hand", func(y *yard, apps []app.App) {
			y.lock(apps[0], pkg("nginx", "2"))
		}, "web: its lock changed"},
		{"the archive cannot be read", func(y *yard, _ []app.App) {
			y.archive.Fail(func(string) int { return 404 })
		}, "web: it is unknown now"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			y := newYard(t)
			apps := y.behind(nil, "web", "other")
			given := y.plan(apps...)
			test.change(y, apps)
			_, err := y.fleet().Resume(&fleet.Run{}, y.plan(apps...), &given)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if fault.KindOf(err) != fault.Stale || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// TestArchiveWentBack shows an archive that is older than what was seen and
// locked: it is taken only where somebody says so, and then as a downgrade.
func TestArchiveWentBack(t *testing.T) {
	y := newYard(t)
	y.archive.Publish("trixie", archivetest.Released(), pkg("nginx", "2"))
	a := y.app("web", "", pkg("nginx", "2"))
	if s := y.outdated(fleet.Options{}, a)[0]; s.Decision.Action != update.Current {
		t.Fatalf("%+v", s.Decision)
	}
	y.archive.Publish("trixie", archivetest.Released().Add(-time.Hour), pkg("nginx", "1"))
	plan := func(rollback bool) update.Plan {
		p, err := y.fleet().Plan(t.Context(), []app.App{a}, fleet.Order{Options: bake.Options{Rollback: rollback}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := plan(false); len(p.Apps) != 0 || p.Others[0].Action != update.DontKnow || !p.Others[0].Broken {
		t.Fatalf("nobody asked to go back: %+v", p)
	}
	p := plan(true)
	if len(p.Apps) != 1 || p.Apps[0].Changes[0].State != update.Older || !slices.Contains(p.Apps[0].Reasons, "nginx 2 -> 1 (downgrade)") {
		t.Fatalf("somebody asked to go back: %+v", p)
	}
	o := &oven{y: y, resolves: map[string][]lock.Change{"web": {{Package: "nginx", From: "2", To: "1", Downgrade: true}}}}
	if got := y.rebuild(p, []app.App{a}, fleet.Run{Do: o.do, Exact: true}); states(got) != "web=rebuilt" {
		t.Errorf("%+v", got)
	}
	if _, err := y.fleet().Resume(&fleet.Run{}, plan(false), &p); fault.KindOf(err) != fault.Stale {
		t.Errorf("a plan alone goes back: %v", err)
	}
}

func TestAppIsGone(t *testing.T) {
	y := newYard(t)
	apps := y.behind(nil, "web", "other")
	given := y.plan(apps...)
	if _, err := y.fleet().Resume(&fleet.Run{}, y.plan(apps[1]), &given); fault.KindOf(err) != fault.Stale || !strings.Contains(err.Error(), "web: it is gone") {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(apps[0].Path); err != nil { // between plan and run
		t.Fatal(err)
	}
	o := &oven{y: y}
	got := y.rebuild(given, apps, fleet.Run{Do: o.do})
	if states(got) != "other=rebuilt web=failed" || slices.Contains(o.began, "web") {
		t.Errorf("%s, began %v", states(got), o.began)
	}
}

// TestAptChoosesOtherwise holds what apt resolves to the plan, where exactly
// that was asked for; what is to stay, stays in any case.
func TestAptChoosesOtherwise(t *testing.T) {
	nginx := lock.Change{Package: "nginx", From: "1", To: "2"}
	tests := []struct {
		name       string
		exact      bool
		keep       map[string]string
		undecided  []string
		resolves   []lock.Change
		want       fleet.State
		wantedWord string
	}{
		{name: "as planned", exact: true, resolves: []lock.Change{nginx}, want: fleet.Rebuilt},
		{name: "another version", exact: true, resolves: []lock.Change{{Package: "nginx", From: "1", To: "3"}}, want: fleet.Failed, wantedWord: "planned as 2, and apt takes 3"},
		{name: "another package", exact: true, resolves: []lock.Change{nginx, {Package: "zlib1g", To: "1"}}, want: fleet.Failed, wantedWord: "zlib1g 1 was not planned"},
		{name: "another package, not exactly", resolves: []lock.Change{nginx, {Package: "zlib1g", To: "1"}}, want: fleet.Rebuilt},
		{name: "another package, left to apt", exact: true, undecided: []string{"x"}, resolves: []lock.Change{nginx, {Package: "zlib1g", To: "1"}}, want: fleet.Rebuilt},
		{name: "a package less", exact: true, resolves: []lock.Change{nginx, {Package: "zlib1g", From: "1"}}, want: fleet.Rebuilt},
		{name: "what is to stay moves", keep: map[string]string{"zlib1g": "1"}, resolves: []lock.Change{nginx, {Package: "zlib1g", From: "1", To: "2"}}, want: fleet.Failed, wantedWord: "zlib1g was to stay at 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			y := newYard(t)
			apps := y.behind(nil, "web")
			p := y.plan(apps...)
			p.Apps[0].Keep, p.Apps[0].Undecided = test.keep, test.undecided
			o := &oven{y: y, resolves: map[string][]lock.Change{"web": test.resolves}}
			got := y.rebuild(p, apps, fleet.Run{Do: o.do, Exact: test.exact})["web"]
			if got.State != test.want || !strings.Contains(got.Why, test.wantedWord) {
				t.Errorf("%+v, want %s", got, test.want)
			}
		})
	}
}

// TestKilledRun ends a run by a panic while an app is in the oven, as kill -9
// would: the next one takes it up where it stopped, by the same plan or by a
// new one, and its report speaks for both.
func TestKilledRun(t *testing.T) {
	for _, exact := range []bool{false, true} {
		t.Run(fmt.Sprintf("exact %t", exact), func(t *testing.T) {
			y := newYard(t)
			apps := y.behind(nil, "a1", "a2", "a3")
			given := y.plan(apps...)
			f := y.fleet()
			f.Jobs = 1
			run := fleet.Run{}
			if _, err := f.Resume(&run, given, &given); err != nil {
				t.Fatal(err)
			}
			killed := make(chan struct{})
			o := &oven{y: y, during: func(name string) {
				if name == "a2" {
					close(killed)
					select {} // it never comes back
				}
			}}
			run.Do = o.do
			go func() { _, _ = f.Rebuild(context.Background(), given, apps, run) }()
			<-killed
			fleet.Abandon(f)

			o.during, o.began = nil, nil
			run = fleet.Run{Do: o.do, Exact: exact}
			now := y.planWithout(given, apps)
			var asked *update.Plan
			if exact {
				asked = &given
			}
			left, err := y.fleet().Resume(&run, now, asked)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(left.Names(), " "); got != "a2 a3" || len(run.Before) != 1 || run.Before[0].App != "a1" || !run.Before[0].Before {
				t.Fatalf("left is %s, before %+v", got, run.Before)
			}
			got := y.rebuild(left, apps, run)
			if states(got) != "a2=rebuilt a3=rebuilt" || slices.Contains(o.began, "a1") {
				t.Errorf("%s, began %v", states(got), o.began)
			}
			again := fleet.Run{}
			if _, err := y.fleet().Resume(&again, y.planWithout(given, apps), nil); err != nil || len(again.Before) > 0 {
				t.Errorf("a run that came to its end is taken up: %+v, %v", again.Before, err)
			}
		})
	}
}

// planWithout plans as if what has its new lock was built too.
func (y *yard) planWithout(given update.Plan, apps []app.App) update.Plan {
	y.t.Helper()
	p := y.plan(apps...)
	p.Apps = slices.DeleteFunc(p.Apps, func(a update.Planned) bool {
		n := slices.IndexFunc(given.Apps, func(g update.Planned) bool { return g.App == a.App })
		rebuilt := a.Lock != given.Apps[n].Lock
		if rebuilt {
			p.Others = append(p.Others, update.Left{App: a.App, Action: update.Current})
		}
		return rebuilt
	})
	return p
}
