package rootfs

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/templates"
)

// ByGraph is for what a step reads that its graph names in full: it is known
// by the graph, not by a hash over all of its files, which takes longer than
// most steps.
var ByGraph = llb.ContentCache(llb.MountContentCacheOff)

// step is what one run of a shell does and sees.
type step struct {
	name    string
	scripts []string // run one after the other, see text
	root    string   // the tree that the scripts work on: "/" or "/target"
	pins    []lock.Pin
	env     map[string]string
	mounts  []llb.RunOption
}

// text is the whole script. Output and errors go the same way, for the engine
// does not keep the order of two.
func (s step) text() string {
	return strings.Join(append([]string{"set -eu\nexec 2>&1\n"}, s.scripts...), "\n")
}

// run runs a step in tree without network and with nothing of the machine.
func (g Graph) run(tree llb.State, s step) llb.ExecState {
	options := append(sandbox(s.name), shell(s.text())...)
	options = append(options, llb.Network(pb.NetMode_NONE))
	env := map[string]string{"SOURCE_DATE_EPOCH": strconv.Itoa(MadeAt), "ROOT": s.root}
	maps.Copy(env, s.env)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		options = append(options, llb.AddEnv(name, env[name]))
	}
	if len(s.pins) > 0 {
		options = append(options, llb.AddMount("/debs", llb.Scratch(), llb.Tmpfs()))
	}
	for _, pin := range s.pins {
		name := FileName(pin)
		options = append(options, llb.AddMount("/debs/"+name, g.fetch(pin), llb.SourcePath("/"+name), llb.Readonly, ByGraph))
	}
	return tree.Run(append(options, s.mounts...)...)
}

// shell runs a script from a file, which keeps it out of messages.
func shell(text string) []llb.RunOption {
	file := llb.Scratch().File(llb.Mkfile("/step.sh", 0o644, []byte(text), llb.WithCreatedTime(time.Unix(MadeAt, 0))), llb.WithCustomName("[internal] script"))
	return []llb.RunOption{
		llb.AddMount("/run/bakelite", file, llb.Readonly, ByGraph),
		llb.Args([]string{"/bin/sh", "/run/bakelite/step.sh"}),
	}
}

func script(names ...string) []string {
	var texts []string
	for _, name := range names {
		texts = append(texts, templates.Text("rootfs/"+name))
	}
	return texts
}

// sandbox is what every script is run with: a clean environment and scratch
// folders that leave no trace in the tree.
func sandbox(name string) []llb.RunOption {
	return []llb.RunOption{
		llb.WithCustomName(name),
		llb.Dir("/"), llb.User("0:0"),
		llb.AddEnv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
		llb.AddEnv("HOME", "/root"), llb.AddEnv("LC_ALL", "C.UTF-8"), llb.AddEnv("TZ", "UTC"),
		llb.AddEnv("DEBIAN_FRONTEND", "noninteractive"), llb.AddEnv("DEBCONF_NONINTERACTIVE_SEEN", "true"),
		llb.AddMount("/tmp", llb.Scratch(), llb.Tmpfs()),
		llb.AddMount("/run", llb.Scratch(), llb.Tmpfs()),
	}
}

// step runs one of the app's own steps; only they may ask for the network.
func (g Graph) step(tree llb.State, s app.Step) llb.State {
	network := pb.NetMode_NONE
	if s.Network {
		network = pb.NetMode_UNSET
	}
	text := step{scripts: []string{"(\n" + s.Run + "\n)"}}.text()
	return tree.Run(append(append(sandbox("[step] "+s.Name), shell(text)...),
		llb.Network(network),
		llb.AddEnv("ROOT", "/"), llb.AddEnv("SOURCE_DATE_EPOCH", strconv.Itoa(MadeAt)))...).Root()
}
