package rootfs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/bakelite/bakelite/builders/tree"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
)

// Kind is what one kind of artifact makes of the packages and the app's part.
type Kind struct {
	// Name is artifact.Container or artifact.Disk.
	Name string
	// On is the tree that Pins are installed on.
	On   llb.State
	Pins []lock.Pin
	// Build are packages that a Dockerfile's build sees besides, and nothing else.
	Build []lock.Pin
	// Units are what the machine starts; none stands for no machine.
	Units []string
	// Modules are those of the kernel that stay, with what they need and those
	// of the app file; none stands for all.
	Modules []string
	// Remove are packages that go; with KeepNeeded those stay that others
	// need. Drop and Trim are patterns of what goes, see tree.Request.
	Remove     []string
	KeepNeeded bool
	Drop, Trim []string
	// Rights are kept besides those of the app file.
	Rights []tree.Right
	// Files are written before the app's own, which may replace them.
	Files []app.File
	// Folders belong to the service's user.
	Folders []string
	// Machine says that nobody has a password, and Admin may log in by a key;
	// "" stands for nobody.
	Machine bool
	Admin   string
}

// packages is a kind's tree as dpkg leaves it.
func (g Graph) packages(k Kind) llb.State {
	on := g.install(k.On, "app for the "+k.Name, k.Pins)
	if len(k.Units) == 0 {
		return on
	}
	s := step{
		name: "[machine] units", scripts: script("units.sh"), root: "/", env: map[string]string{"UNITS": strings.Join(k.Units, " ")},
	}
	if len(k.Modules) > 0 {
		s.name, s.scripts = "[machine] units and modules", append(s.scripts, append(script("modules.sh"), "prune /usr/lib/modules")...)
		s.env["KEEP"], s.env["ASKED"] = strings.Join(k.Modules, " "), strings.Join(g.App.VM.Modules, " ")
	}
	return g.run(on, s).Root()
}

// System is a kind's tree without the app's own part, trimmed and hardened.
func (g Graph) System(k Kind) llb.State {
	r := k.trimmed(installed())
	r.User, r.Rights, r.Admin, r.Controls = g.user(), k.Rights, k.Admin, g.Controls[k.Name]
	return g.work(g.packages(k), k.step("settle, trim and harden the system"), r, was(k.On))
}

// Over lays the app's files over a system, and hardens what there is then.
// Nothing of the app runs in it. Apart are folders at the top that are made of
// the system alone.
func (g Graph) Over(system llb.State, k Kind, apart ...string) llb.State {
	r := g.over(k, apart)
	name := k.step(fmt.Sprintf("copy %d files and folders, and harden", len(r.Put)+len(r.Folders)))
	return g.work(system, name, r, g.source()...)
}

// MakeOver is Make on what Over gives. Nothing else sees that tree, so it is
// never kept, and all is one step among tools that have a shell.
func (g Graph) MakeOver(tools, system llb.State, k Kind, name, file string, env map[string]string, apart ...string) llb.State {
	r := g.over(k, apart)
	r.Tree = MadeFrom
	return g.run(tools, step{
		name: name, root: MadeFrom, env: env, scripts: append([]string{callProgram}, script(file)...),
		mounts: append(g.source(), asked(r), llb.AddMount(programMount, g.program(), llb.Readonly, ByGraph),
			llb.AddMount(MadeFrom, system, ByGraph, llb.ForceNoOutput)),
	}).AddMount("/out", llb.Scratch())
}

// MadeFrom is where a tree lies that a partition is made from.
const MadeFrom = "/tree"

func (g Graph) over(k Kind, apart []string) tree.Request {
	r := g.filled(tree.Request{Apart: apart, Evidence: len(g.App.Files) > 0, Alters: g.App.Alters, Ours: k.ours()}, k)
	return g.ended(r, k)
}

// Built is a kind's tree with all of the app's own part, of which some runs in
// it: its Dockerfile, its files and its steps. Packages are taken out and what
// there is then is hardened after all of them.
func (g Graph) Built(ctx context.Context, k Kind, b Dockerfiles) (llb.State, error) {
	r := installed()
	if g.App.Base.Dockerfile == "" {
		r.User = g.user() // a Dockerfile may make it
	}
	packages := g.work(g.packages(k), k.step("settle the packages"), r, was(k.On))
	built := packages
	if name := g.App.Base.Dockerfile; name != "" {
		var err error
		if built, err = g.dockerfile(ctx, k, packages, b); err != nil {
			return llb.State{}, fmt.Errorf("building %s: %w", name, err)
		}
	}
	files := g.filled(tree.Request{}, k)
	built = g.work(built, fmt.Sprintf("[files] copy %d files and folders", len(files.Put)+len(files.Folders)), files, g.source()...)
	for _, s := range g.App.Steps {
		built = g.step(built, s)
	}
	r = k.trimmed(compared())
	r.Remove = append(slices.Clip(r.Remove), k.building()...)
	r.Own, r.Evidence, r.Alters, r.Ours = g.own(), true, g.App.Alters, k.ours()
	r.User, r.Folders = g.user(), k.own()
	return g.work(built, k.step("judge, trim and harden"), g.ended(r, k), was(packages)), nil
}

// own names what of the app's own part runs in a tree.
func (g Graph) own() string {
	switch {
	case len(g.App.Steps) == 0:
		return "base.dockerfile"
	case g.App.Base.Dockerfile == "":
		return "steps"
	}
	return "base.dockerfile or steps"
}

// trimmed adds to a request what a kind takes out of every tree.
func (k Kind) trimmed(r tree.Request) tree.Request {
	r.Kind, r.Remove, r.KeepNeeded, r.Drop, r.Trim, r.Strip = k.Name, k.Remove, k.KeepNeeded, k.Drop, k.Trim, true
	return r
}

// ended adds to a request what every tree ends with.
func (g Graph) ended(r tree.Request, k Kind) tree.Request {
	r.Kind, r.Logins, r.Admin = k.Name, k.Machine, k.Admin
	r.Rights, r.Controls, r.Runnable = g.rights(k), g.Controls[k.Name], g.App.Service.Command[0]
	return r
}

func (k Kind) step(what string) string { return "[" + k.Name + "] " + what }
