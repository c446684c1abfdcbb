package rootfs

import (
	"maps"
	"slices"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/bakelite/bakelite/builders/tree"
	"github.com/bakelite/bakelite/templates"
)

// ProgramName is the file of bakelite-tree in its image.
const ProgramName = "bakelite-tree"

// Where a step finds what bakelite-tree works with.
const (
	target  = "/target"  // the tree
	before  = "/before"  // the tree as it was before somebody else worked on it
	request = "/request" // what to do
)

// program is bakelite-tree, alone in a filesystem of its own.
func (g Graph) program() llb.State {
	return llb.OCILayout(g.Sources.Program, llb.OCIStore("", ProgramLayout), llb.WithCustomName("[tree] read the program "+short(g.Sources.Program)))
}

// work has bakelite-tree do what a request says, with nothing else around it.
func (g Graph) work(on llb.State, name string, r tree.Request, mounts ...llb.RunOption) llb.State {
	r.Tree = target
	options := append([]llb.RunOption{
		llb.WithCustomName(name), llb.Dir("/"), llb.User("0:0"), llb.Network(pb.NetMode_NONE),
		llb.Args([]string{"/" + ProgramName, request + "/" + requestFile}),
		asked(requestFile, r),
	}, mounts...)
	return g.program().Run(options...).AddMount(target, on, ByGraph)
}

// requestFile is the name of a step's request, where it has one.
const requestFile = "request.json"

// asked mounts requests as files, by name.
func asked(name string, r tree.Request) llb.RunOption {
	return llb.AddMount(request, withRequest(llb.Scratch(), name, r), llb.Readonly, ByGraph)
}

func withRequest(files llb.State, name string, r tree.Request) llb.State {
	r.Date = MadeAt
	text, err := r.Encode()
	if err != nil {
		panic("texts, numbers and JSON always marshal: " + err.Error())
	}
	return files.File(llb.Mkfile("/"+name, 0o600, text, llb.WithCreatedTime(time.Unix(MadeAt, 0))), llb.WithCustomName("[internal] request"))
}

// was mounts the tree as it was before.
func was(tree llb.State) llb.RunOption { return llb.AddMount(before, tree, llb.Readonly, ByGraph) }

// compared is a request that looks at what differs from the tree before.
func compared() tree.Request {
	return tree.Request{Before: before, Clean: templates.Lines("rootfs/volatile.txt"), Empty: []string{"etc/machine-id"}}
}

// installed is a request about a tree in which dpkg worked.
func installed() tree.Request {
	r := compared()
	r.Packages = true
	return r
}

// end is where and how a tree ends.
type end struct {
	// at is where the tree lies.
	at string
	// name is the step's.
	name string
	// script runs on the tree in the end, with env.
	script []string
	env    map[string]string
	mounts []llb.RunOption
}

// last is the end of every tree: a request, the hardening controls on what
// there is then, and what only holds after them. Controls are a script for a
// shell, so this runs among tools that have one; the program is mounted.
func (g Graph) last(tools llb.State, k Kind, r tree.Request, e end) llb.ExecState {
	r.Tree = e.at
	after := tree.Request{Tree: e.at, Kind: k.Name, Rights: r.Rights, Runnable: r.Runnable}
	r.Rights, r.Runnable = slices.DeleteFunc(slices.Clone(r.Rights), func(x tree.Right) bool { return x.Key != "" }), ""
	requests := withRequest(withRequest(llb.Scratch(), "first.json", r), "last.json", after)
	env := k.login()
	maps.Copy(env, e.env)
	return g.run(tools, step{
		name: e.name, root: e.at, env: env,
		scripts: slices.Concat([]string{callProgram("first.json"), "(\n" + g.Controls[k.Name] + ")\n", callProgram("last.json")}, e.script),
		mounts: slices.Concat([]llb.RunOption{
			llb.AddMount(request, requests, llb.Readonly, ByGraph), llb.AddMount(programMount, g.program(), llb.Readonly, ByGraph),
		}, e.mounts),
	})
}

// programMount is where the program lies in steps that need a shell too.
const programMount = "/run/program"

func callProgram(file string) string {
	return programMount + "/" + ProgramName + " " + request + "/" + file + "\n"
}
