package rootfs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/bakelite/bakelite/internal/app"
)

// Extra is what a kind of artifact adds to the app's own files.
type Extra struct {
	// Files are written before the app's own, which may replace them.
	Files []app.File
	// Folders belong to the service's user.
	Folders []string
}

// files puts the app's own files into a tree, in one step that runs outside
// of it, since a tree may have no shell.
func (g Graph) files(tree llb.State, extra Extra) llb.State {
	s, count := g.put(extra, target)
	if count == 0 {
		return tree
	}
	s.name, s.settle = fmt.Sprintf("[files] copy %d files and folders", count), true
	if len(g.App.Files) > 0 && !g.RunsSteps() { // else there is more of the app's own to come
		s.scripts = append(s.scripts, script("evidence.sh")...)
		s.mounts = append(s.mounts, llb.AddMount("/before", tree, llb.Readonly, ByGraph))
	}
	return g.run(g.Seed(), s).AddMount(target, tree, ByGraph)
}

// Own gives folders to the service's user, and makes those that are missing.
func (g Graph) Own(tree llb.State, folders []string) llb.State {
	g.App.Files = nil
	return g.files(tree, Extra{Folders: folders})
}

// put is a step, still without a name, that copies the app's files into root,
// and how many it copies.
func (g Graph) put(extra Extra, root string) (s step, count int) {
	all := slices.Concat(extra.Files, g.App.Files)
	contents := llb.Scratch()
	calls := ""
	var from []string
	for i, f := range all {
		source := "/src/" + f.From
		if f.From == "" {
			source = fmt.Sprintf("/run/content/%d", i)
			contents = contents.File(llb.Mkfile(strconv.Itoa(i), 0o644, []byte(f.Content)), llb.WithCustomName("[internal] content of "+f.To))
		} else {
			from = append(from, f.From)
		}
		files, folders := modes(f.Mode)
		calls += call("put", source, f.To, files, folders, owner(f.Owner), fmt.Sprintf("files[%d]", i-len(extra.Files)))
	}
	for _, dir := range extra.Folders {
		calls += call("folder", dir, "0750", g.App.Service.User)
	}
	mounts := []llb.RunOption{llb.AddMount("/run/content", contents, llb.Readonly, ByGraph)}
	if len(from) > 0 {
		source := llb.Local(AppFolder, llb.FollowPaths(from), llb.SharedKeyHint(g.App.Name), llb.WithCustomName("[files] read the app's files"))
		mounts = append(mounts, llb.AddMount("/src", source, llb.Readonly))
	}
	return step{scripts: append(script("files.sh"), calls), root: root, mounts: mounts}, len(all) + len(extra.Folders)
}

func call(function string, arguments ...string) string {
	line := function
	for _, a := range arguments {
		line += " '" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	return line + "\n"
}

// modes returns what chmod gives to files, and to folders x where r is. By
// default files keep that they can be executed, and nothing else of the mode
// that they have on this machine.
func modes(text string) (files, folders string) {
	bits, err := strconv.ParseUint(text, 8, 32)
	if err != nil { // it is empty: the app file was validated
		return "u=rwX,go=rX", "0755"
	}
	return fmt.Sprintf("%04o", bits), fmt.Sprintf("%04o", bits|bits>>2&0o111)
}

func owner(text string) string {
	if text == "" {
		return "root:root"
	}
	return text
}
