package rootfs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/moby/buildkit/client/llb"

	"github.com/bakelite/bakelite/builders/tree"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/profile"
)

// filled adds the app's files and folders to a request: what the kind of
// artifact adds comes first, so that the app's own may replace it.
func (g Graph) filled(r tree.Request, k Kind) tree.Request {
	for i, f := range slices.Concat(k.Files, g.App.Files) {
		p := tree.Put{To: f.To, Mode: mode(f.Mode), Owner: owner(f.Owner), Key: fmt.Sprintf("files[%d]", i-len(k.Files))}
		if f.From == "" {
			p.Content = []byte(f.Content)
		} else {
			p.From, r.Files = f.From, appFiles
		}
		r.Put = append(r.Put, p)
	}
	r.Folders, r.User = k.own(), g.user()
	return r
}

// ours are the digests of what a kind of artifact adds, by path.
func (k Kind) ours() map[string]string {
	all := map[string]string{}
	for _, f := range k.Files {
		sum := sha256.Sum256([]byte(f.Content))
		all[f.To] = hex.EncodeToString(sum[:])
	}
	return all
}

// own are the folders of the service.
func (k Kind) own() []tree.Folder {
	var all []tree.Folder
	for _, dir := range k.Folders {
		all = append(all, tree.Folder{Path: dir, Mode: uint32(profile.Private)})
	}
	return all
}

// appFiles is where a step finds the app's files.
const appFiles = "/files"

// source mounts what the app's files name, where they name anything.
func (g Graph) source() []llb.RunOption {
	var from []string
	for _, f := range g.App.Files {
		if f.From != "" {
			from = append(from, f.From)
		}
	}
	if len(from) == 0 {
		return nil
	}
	return []llb.RunOption{llb.AddMount(appFiles, llb.Local(AppFolder, llb.FollowPaths(from), llb.SharedKeyHint(g.App.Name),
		llb.WithCustomName("[files] read the app's files")), llb.Readonly)}
}

// mode is that of an app file's entry; nil where it has none.
func mode(text string) *uint32 {
	bits, err := strconv.ParseUint(text, 8, 32)
	if err != nil { // it is empty: the app file was validated
		return nil
	}
	m := uint32(bits)
	return &m
}

func owner(text string) string {
	if text == "" {
		return app.DefaultOwner
	}
	return text
}

func (g Graph) user() *tree.User {
	return &tree.User{Name: g.App.Service.User, ID: uint32(g.App.Service.UID)}
}

// rights are those that the app file gives in a kind of artifact.
func (g Graph) rights(k Kind) []tree.Right {
	all := slices.Clone(k.Rights)
	for i, r := range g.App.Rights {
		if r.On == "" || r.On == k.Name {
			all = append(all, tree.Right{
				Path: r.Path, Capabilities: r.Capabilities, SetUID: r.SetUID, SetGID: r.SetGID, Key: fmt.Sprintf("rights[%d]", i),
			})
		}
	}
	return all
}
