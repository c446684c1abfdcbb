package rootfs

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/lock"
)

func graph(change func(*Graph)) Graph {
	pin := func(name string) lock.Pin {
		return lock.Pin{Name: name, Version: "1", Arch: "amd64", Archive: "debian", Path: "pool/" + name + ".deb", SHA256: strings.Repeat("a", 64)}
	}
	g := Graph{
		App:     app.App{Name: "web", Service: app.Service{User: "www-data"}},
		Lock:    &lock.Lock{Packages: lock.Layers{Base: []lock.Pin{pin("dash")}, App: []lock.Pin{pin("nginx")}, Machine: []lock.Pin{pin("systemd")}}},
		Sources: Sources{Seed: "seed/image@sha256:" + strings.Repeat("b", 64), Mirror: func(string) string { return "http://mirror.invalid/debian/" }},
	}
	if change != nil {
		change(&g)
	}
	return g
}

func definition(t *testing.T, s llb.State) string {
	t.Helper()
	d, err := s.Marshal(context.Background(), llb.LinuxAmd64)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, op := range d.Def {
		all.Write(op)
	}
	return all.String()
}

// TestGraphIsAFunctionOfItsInputs: the same inputs give the same graph, and
// what a kind of artifact does not stand on does not change it.
func TestGraphIsAFunctionOfItsInputs(t *testing.T) {
	base := definition(t, graph(nil).Container())
	if again := definition(t, graph(nil).Container()); again != base {
		t.Error("the same inputs gave another graph")
	}
	machine := graph(func(g *Graph) { g.Lock.Packages.Machine[0].SHA256 = strings.Repeat("c", 64) })
	if definition(t, machine.Container()) != base {
		t.Error("a package of the machine changed the container")
	}
	if definition(t, machine.Machine()) == definition(t, graph(nil).Machine()) {
		t.Error("a package of the machine did not change the machine")
	}
	changed := graph(func(g *Graph) { g.Lock.Packages.App[0].SHA256 = strings.Repeat("c", 64) })
	if definition(t, changed.Container()) == base {
		t.Error("a package of the app did not change the container")
	}
	if definition(t, changed.Machine()) != definition(t, graph(nil).Machine()) {
		t.Error("a package of the app changed the machine beneath it, and so the initrd")
	}
}

func TestOwns(t *testing.T) {
	for _, c := range []struct {
		to      string
		usr, vr bool
	}{
		{"/srv/web", false, false}, {"/usr/share/x", true, false}, {"/bin/tool", true, false}, {"/var/lib/x", false, true},
		{"/etc/x", false, false}, {"/library/x", false, false},
	} {
		g := graph(func(g *Graph) { g.App.Files = []app.File{{Content: "x", To: c.to}} })
		if g.Owns("usr") != c.usr || g.Owns("var") != c.vr {
			t.Errorf("a file at %s: /usr %v, /var %v", c.to, g.Owns("usr"), g.Owns("var"))
		}
	}
	if g := graph(func(g *Graph) { g.App.Steps = []app.Step{{Run: "true"}} }); !g.Owns("usr") || !g.Owns("var") {
		t.Error("a step may write anywhere, and was not said to")
	}
}

func TestModes(t *testing.T) {
	for _, c := range [][3]string{{"", "u=rwX,go=rX", "0755"}, {"0640", "0640", "0750"}, {"0400", "0400", "0500"}, {"0755", "0755", "0755"}} {
		if files, folders := modes(c[0]); files != c[1] || folders != c[2] {
			t.Errorf("mode %q: files %s, folders %s", c[0], files, folders)
		}
	}
}

// TestFileNameRunsNothing: what an app file names reaches the shell as words.
func TestFileNameRunsNothing(t *testing.T) {
	hostile := "it's $(touch /tmp/x) `id`; \"$HOME\"\n*"
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "put() { printf %s \"$1\"; }\n"+call("put", hostile)).Output()
	if err != nil || string(out) != hostile {
		t.Errorf("the shell saw %q (%v)", out, err)
	}
}

func TestTrimmedKeepsWhatTheAppNames(t *testing.T) {
	all := Trimmed(graph(nil).App, artifact.Container)
	kept := Trimmed(graph(func(g *Graph) { g.App.Packages = []string{"perl-base"} }).App, artifact.Container)
	if len(kept) != len(all)-1 || strings.Contains(strings.Join(kept, " "), "perl-base") {
		t.Errorf("perl-base was named by the app and is removed: %v", kept)
	}
	if left := Trimmed(graph(func(g *Graph) { g.App.Container.Shell = true }).App, artifact.Container); len(left) > 0 {
		t.Errorf("a container that keeps its shell loses %v", left)
	}
}
