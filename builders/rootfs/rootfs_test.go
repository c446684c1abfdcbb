package rootfs

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/lock"
)

func graph(change func(*Graph)) Graph {
	pin := func(name string) lock.Pin {
		return lock.Pin{Name: name, Version: "1", Arch: "amd64", Archive: "debian", Path: "pool/" + name + ".deb", SHA256: strings.Repeat("a", 64)}
	}
	g := Graph{
		App:      app.App{Name: "web", Service: app.Service{User: "www-data", Command: []string{"/bin/web"}}},
		Lock:     &lock.Lock{Packages: lock.Layers{Base: []lock.Pin{pin("dash")}, App: []lock.Pin{pin("nginx")}, Machine: []lock.Pin{pin("systemd")}}},
		Controls: map[string]json.RawMessage{"container": json.RawMessage(`["hardened"]`), "disk": json.RawMessage(`["hardened"]`)},
		Sources: Sources{
			Seed: "seed/image@sha256:" + strings.Repeat("b", 64), Program: "program/image@sha256:" + strings.Repeat("d", 64),
			Mirror: func(string) string { return "http://mirror.invalid/debian/" },
		},
	}
	if change != nil {
		change(&g)
	}
	return g
}

// container and disk are small kinds of artifact.
func container(g Graph) Kind { return Kind{Name: "container", On: g.Base(), Pins: g.Lock.Packages.App} }

func disk(g Graph) Kind {
	return Kind{Name: "disk", On: g.Machine(), Pins: g.Lock.Packages.App, Units: []string{"a.service"}, Machine: true, Admin: "admin"}
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
	base := definition(t, graph(nil).System(container(graph(nil))))
	if again := definition(t, graph(nil).System(container(graph(nil)))); again != base {
		t.Error("the same inputs gave another graph")
	}
	machine := graph(func(g *Graph) { g.Lock.Packages.Machine[0].SHA256 = strings.Repeat("c", 64) })
	if definition(t, machine.System(container(machine))) != base {
		t.Error("a package of the machine changed the container")
	}
	if definition(t, machine.Machine()) == definition(t, graph(nil).Machine()) {
		t.Error("a package of the machine did not change the machine")
	}
	changed := graph(func(g *Graph) { g.Lock.Packages.App[0].SHA256 = strings.Repeat("c", 64) })
	if definition(t, changed.System(container(changed))) == base {
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

// TestProgramIsPartOfTheGraph: another program gives other trees.
func TestProgramIsPartOfTheGraph(t *testing.T) {
	other := graph(func(g *Graph) { g.Sources.Program = "program/image@sha256:" + strings.Repeat("e", 64) })
	if definition(t, other.Base()) == definition(t, graph(nil).Base()) {
		t.Error("another program gave the same base")
	}
}

// steps lists the runs of a graph, each after those that it stands on, by
// their names, and with the text of their scripts and requests.
func steps(t *testing.T, s llb.State) (names []string, text string) {
	t.Helper()
	d, err := s.Marshal(context.Background(), llb.LinuxAmd64)
	if err != nil {
		t.Fatal(err)
	}
	for _, def := range d.Def {
		var op pb.Op
		if err := op.UnmarshalVT(def); err != nil {
			t.Fatal(err)
		}
		if op.GetExec() != nil {
			names = append(names, d.Metadata[digest.FromBytes(def)].Description["llb.customname"])
		}
		if f := op.GetFile(); f != nil {
			for _, a := range f.Actions {
				if m := a.GetMkfile(); m != nil {
					text += string(m.Data) + "\n"
				}
			}
		}
	}
	return names, text
}

type dockerfiles struct{}

func (dockerfiles) Dockerfile(_ context.Context, _, _ string, base llb.State, _ []string) (llb.State, error) {
	return base.Run(llb.Args([]string{"/bin/true"}), llb.WithCustomName("RUN of a Dockerfile")).Root(), nil
}

// TestHardeningComesLast: whatever of the app there is, and on every kind of
// artifact, controls are applied by the step that ends the tree.
func TestHardeningComesLast(t *testing.T) {
	for name, change := range map[string]func(*Graph){
		"nothing":    func(*Graph) {},
		"files":      func(g *Graph) { g.App.Files = []app.File{{Content: "x", To: "/etc/x"}} },
		"steps":      func(g *Graph) { g.App.Steps = []app.Step{{Name: "mine", Run: "chmod 4755 /bin/sh"}} },
		"dockerfile": func(g *Graph) { g.App.Base.Dockerfile = "Dockerfile" },
		"all": func(g *Graph) {
			g.App.Files, g.App.Base.Dockerfile = []app.File{{From: "x", To: "/x"}}, "Dockerfile"
			g.App.Steps = []app.Step{{Name: "mine", Run: "true"}, {Name: "more", Run: "true"}}
		},
	} {
		g := graph(change)
		for _, k := range []Kind{container(g), disk(g)} {
			tree := g.Over(g.System(k), k)
			if g.RunsSteps() {
				var err error
				if tree, err = g.Built(t.Context(), k, dockerfiles{}); err != nil {
					t.Fatal(err)
				}
			}
			all, text := steps(t, tree)
			last := all[len(all)-1]
			if !strings.HasPrefix(last, "["+k.Name+"] ") || !strings.Contains(last, "harden") || !strings.Contains(text, `"controls":["hardened"]`) {
				t.Errorf("%s, %s: the last step is %q of %q", name, k.Name, last, all)
			}
		}
	}
}

// TestDockerfileMakesUsers: a Dockerfile finds no user of the service's that no
// package brought, and afterwards there is one; steps find it.
func TestDockerfileMakesUsers(t *testing.T) {
	user := `"user":{"name":"www-data"}`
	for name, tt := range map[string]struct {
		change func(*Graph)
		want   int
	}{
		"a Dockerfile": {func(g *Graph) { g.App.Base.Dockerfile = "Dockerfile" }, 2},    // with the files, and in the end
		"steps":        {func(g *Graph) { g.App.Steps = []app.Step{{Run: "true"}} }, 3}, // with the packages too
	} {
		g := graph(tt.change)
		tree, err := g.Built(t.Context(), container(g), dockerfiles{})
		if err != nil {
			t.Fatal(err)
		}
		if _, text := steps(t, tree); strings.Count(text, user) != tt.want {
			t.Errorf("%s: the user is asked for %d times in\n%s", name, strings.Count(text, user), text)
		}
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
