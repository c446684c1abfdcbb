package test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bakelite/bakelite/test/harness"
)

// TestTwoBuildsOfOneApp starts two commands at once where no engine runs: one
// builds, the other waits and finds nothing to do.
func TestTwoBuildsOfOneApp(t *testing.T) {
	s := harness.NewSite(t)
	s.Run("engine", "stop").Want(t, 0)
	args := []string{"build", "--json", "--skip-tests", "web"}
	one, two := s.Start(args...), s.Start(args...)
	a, b := one.Wait().Result(t), two.Wait().Result(t)
	if a.Rebuilt == b.Rebuilt || a.Digest(t, "layout") != b.Digest(t, "layout") || a.Digest(t, "raw") != b.Digest(t, "raw") {
		t.Errorf("the two runs gave %+v and %+v", a, b)
	}
	if running := harness.Engines(s.State); len(running) != 1 {
		t.Errorf("engines: %q", running)
	}
	harness.LeavesNothing(t)
}

// TestTwoApps bakes two apps at once where no engine runs: both need it, and
// one is started.
func TestTwoApps(t *testing.T) {
	first, s := harness.FirstBake(t), harness.NewSite(t)
	other := filepath.Join(filepath.Dir(s.Dir), "shop")
	if err := os.CopyFS(other, os.DirFS(s.Dir)); err != nil {
		t.Fatal(err)
	}
	second := harness.Site{T: t, Dir: other, Out: s.Out, State: s.State}
	for _, name := range []string{"app.yaml", "app.lock"} {
		old := map[string]string{"app.yaml": "name: web\n", "app.lock": "app: web\n"}[name]
		second.Replace(name, old, old[:len(old)-4]+"shop\n")
	}
	s.Run("engine", "stop").Want(t, 0)
	one := s.Start("build", "--json", "--skip-tests", "web")
	two := s.Start("build", "--json", "--skip-tests", "--frozen", "shop")
	a, b := one.Wait().Result(t), two.Wait().Result(t)
	if want := first.Outcome.Result(t); a.Digest(t, "raw") != want.Digest(t, "raw") || a.Digest(t, "layout") != want.Digest(t, "layout") {
		t.Errorf("web gave %+v", a)
	}
	if b.App != "shop" || b.Digest(t, "raw") == a.Digest(t, "raw") {
		t.Errorf("shop gave %+v", b)
	}
	s.Names("shop.oci", "shop.qcow2", "shop.raw", "shop.receipt.json", "web.oci", "web.qcow2", "web.raw", "web.receipt.json")
	if running := harness.Engines(s.State); len(running) != 1 {
		t.Errorf("engines: %q", running)
	}
	harness.LeavesNothing(t)
}
