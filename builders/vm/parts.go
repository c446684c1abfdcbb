package vm

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/templates"
)

// Levels of zstd: the shared partition is made seldom and kept small, the
// app's is made at every change.
const (
	usrLevel  = "3"
	rootLevel = "3"
)

// parts are the graphs of what a disk is put together from. Kernel, and Usr
// and Var where the app owns nothing there, depend on locked packages alone.
type parts struct {
	Kernel llb.State // linux, initrd, version, os-release, stub, modules
	Usr    llb.State // data, hash, roothash
	Root   llb.State // the same
	Var    llb.State // var.zst
}

// graph describes the parts of the disk of an app.
func graph(ctx context.Context, g rootfs.Graph, b rootfs.Dockerfiles) (parts, error) {
	m := newMachine(g.App)
	k, err := m.kind(g)
	if err != nil {
		return parts{}, err
	}
	system := g.System(k)
	tree := g.Over(system, k, apart(g)...)
	if g.RunsSteps() {
		if tree, err = g.Built(ctx, k, b); err != nil {
			return parts{}, err
		}
	}
	// What the app owns nothing of is made from the system alone.
	source := func(top string) llb.State {
		if g.Owns(top) {
			return tree
		}
		return system
	}
	tools := g.Tools()
	return parts{
		Kernel: kernel(g, tools),
		Usr:    squash(g, tools, source("usr"), "[disk] compress and hash /usr", "/usr", map[string]string{"LEVEL": usrLevel}),
		Root:   root(g, tools, system, tree, k),
		Var: g.Make(tools, "[disk] file system of /var", []string{"var.sh"},
			map[string]string{"ID": m.VarID.String()}, llb.AddMount(rootfs.MadeFrom, source("var"), llb.Readonly, rootfs.ByGraph)),
	}, nil
}

// apart are the folders that are partitions and hold nothing of the app's.
func apart(g rootfs.Graph) []string {
	return slices.DeleteFunc([]string{"usr", "var"}, g.Owns)
}

func squash(g rootfs.Graph, tools, tree llb.State, name, folder string, env map[string]string) llb.State {
	options := []llb.MountOption{llb.Readonly, rootfs.ByGraph}
	if folder != "/" {
		options = append(options, llb.SourcePath(folder))
	}
	return g.Make(tools, name, []string{"squash.sh"}, env,
		llb.AddMount(rootfs.MadeFrom, tree, options...))
}

// root makes the partition of all that is not /usr or /var. It is made anew at
// every change of the app, so where no other part needs the tree with the
// app's files, they are laid over the system in the same step.
func root(g rootfs.Graph, tools, system, tree llb.State, k rootfs.Kind) llb.State {
	const name = "[disk] compress and hash /"
	env := map[string]string{
		"LEVEL": rootLevel, "EXCLUDE": "usr/* var/* boot/* proc/* sys/* dev/* run/* tmp/*",
		// Services that start before /var is mounted look for it.
		"EXTRA": fmt.Sprintf("var/tmp D %d 1777 0 0", rootfs.MadeAt),
	}
	if g.Owns("usr") || g.Owns("var") {
		return squash(g, tools, tree, name, "/", env)
	}
	return g.MakeOver(tools, system, k, name, "squash.sh", env, apart(g)...)
}

// kernel makes the initrd in the machine's system before the app is there, so
// that only a new kernel, or a new version of what the initrd holds, makes it
// again.
func kernel(g rootfs.Graph, tools llb.State) llb.State {
	unit := templates.Text("machine/etc.service")
	made := g.Make(g.Machine(), "[disk] make the initrd", []string{"modules.sh", "initrd.sh"}, map[string]string{
		"ETC_UNIT": unit, "KEEP": strings.Join(templates.Lines("machine/initrd-drivers.txt"), " "), "ASKED": "",
		"ALONE": strconv.FormatBool(g.Lock.Base == nil), // only locked packages made the system
	})
	return made.File(llb.Copy(tools, "/usr/lib/systemd/boot/efi/*.efi.stub", "/stub", &llb.CopyInfo{AllowWildcard: true}),
		llb.WithCustomName("[disk] take the EFI stub"))
}
