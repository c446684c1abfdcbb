package test

import (
	"os"
	"path/filepath"
	"testing"
)

// TestTwoBuildsOfOneApp starts two commands at once where no engine runs: one
// builds, the other waits and finds nothing to do.
func TestTwoBuildsOfOneApp(t *testing.T) {
	s := newSite(t)
	s.run("engine", "stop").want(t, 0)
	args := []string{"build", "--json", "--skip-tests", "web"}
	one, two := s.start(args...), s.start(args...)
	a, b := one.wait().result(t), two.wait().result(t)
	if a.Rebuilt == b.Rebuilt || a.digest(t, "layout") != b.digest(t, "layout") || a.digest(t, "raw") != b.digest(t, "raw") {
		t.Errorf("the two runs gave %+v and %+v", a, b)
	}
	if running := engines(s.state); len(running) != 1 {
		t.Errorf("engines: %q", running)
	}
	leavesNothing(t)
}

// TestTwoApps bakes two apps at once where no engine runs: both need it, and
// one is started.
func TestTwoApps(t *testing.T) {
	first, s := firstBake(t), newSite(t)
	other := filepath.Join(filepath.Dir(s.dir), "shop")
	if err := os.CopyFS(other, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	second := site{t: t, dir: other, out: s.out, state: s.state}
	for _, name := range []string{"app.yaml", "app.lock"} {
		old := map[string]string{"app.yaml": "name: web\n", "app.lock": "app: web\n"}[name]
		second.replace(name, old, old[:len(old)-4]+"shop\n")
	}
	s.run("engine", "stop").want(t, 0)
	one := s.start("build", "--json", "--skip-tests", "web")
	two := s.start("build", "--json", "--skip-tests", "--frozen", "shop")
	a, b := one.wait().result(t), two.wait().result(t)
	if want := first.outcome.result(t); a.digest(t, "raw") != want.digest(t, "raw") || a.digest(t, "layout") != want.digest(t, "layout") {
		t.Errorf("web gave %+v", a)
	}
	if b.App != "shop" || b.digest(t, "raw") == a.digest(t, "raw") {
		t.Errorf("shop gave %+v", b)
	}
	s.names("shop.oci", "shop.qcow2", "shop.raw", "shop.receipt.json", "web.oci", "web.qcow2", "web.raw", "web.receipt.json")
	if running := engines(s.state); len(running) != 1 {
		t.Errorf("engines: %q", running)
	}
	leavesNothing(t)
}
