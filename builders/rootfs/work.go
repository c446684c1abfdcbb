package rootfs

import (
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
		asked(r),
	}, mounts...)
	return g.program().Run(options...).AddMount(target, on, ByGraph)
}

// requestFile is the name of a step's request.
const requestFile = "request.json"

// asked mounts a request.
func asked(r tree.Request) llb.RunOption {
	r.Date = MadeAt
	text, err := r.Encode()
	if err != nil {
		panic("texts, numbers and JSON always marshal: " + err.Error())
	}
	file := llb.Scratch().File(llb.Mkfile("/"+requestFile, 0o600, text, llb.WithCreatedTime(time.Unix(MadeAt, 0))), llb.WithCustomName("[internal] request"))
	return llb.AddMount(request, file, llb.Readonly, ByGraph)
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

// programMount is where the program lies in steps that need a shell too, and
// callProgram how it is called there.
const (
	programMount = "/run/program"
	callProgram  = programMount + "/" + ProgramName + " " + request + "/" + requestFile + "\n"
)
