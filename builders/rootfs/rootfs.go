// Package rootfs describes the hardened root filesystem of a locked app as a
// build graph. It is pure: no clock, no network, no disk; the same Lock, App
// and Sources give the same graph. It knows BuildKit's graph language only.
package rootfs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	digest "github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/templates"
)

// MadeAt is the date of every file that a step makes, in seconds since 1970:
// the first day of 2025. It is no date of the lock, so that a newer archive
// with the same packages gives the same bytes.
const MadeAt = 1735689600

// Sources says where a graph's inputs come from.
type Sources struct {
	// Mirror returns the URL below which an archive's pool lies.
	Mirror func(archive string) string
	// Seed is the OCI layout reference of the seed: "seed/image@sha256:…".
	Seed string
	// Program is that of bakelite-tree.
	Program string
}

// Names of the local folders and layouts that a graph reads.
const (
	SeedLayout    = "seed"    // the OCI layout that holds the seed
	ProgramLayout = "program" // the OCI layout that holds bakelite-tree
	BaseLayout    = "base"    // the OCI layout that holds a base image
	AppFolder     = "app"     // the app file's folder
	Context       = "context" // what of it a Dockerfile may copy, by the name that Dockerfiles know
)

// Graph makes the states of one app's root filesystem.
type Graph struct {
	App  app.App
	Lock *lock.Lock
	// Controls are the hardening controls by kind of artifact, as bakelite-tree
	// reads them.
	Controls map[string]json.RawMessage
	// Service is the program that images carry for their service.
	Service []byte
	Sources Sources
}

// Seed is the unpacked system that runs dpkg before there is any other.
func (g Graph) Seed() llb.State {
	return llb.OCILayout(g.Sources.Seed, llb.OCIStore("", SeedLayout), llb.WithCustomName("[seed] read "+short(g.Sources.Seed)))
}

// Base is the distribution's essential system, or the base image.
func (g Graph) Base() llb.State {
	if g.Lock.Base != nil {
		return g.baseImage()
	}
	pins := g.Lock.Packages.Base
	unpacked := g.run(g.Seed(), step{
		name: fmt.Sprintf("[base] unpack %d packages", len(pins)), scripts: script("dpkg.sh", "bootstrap.sh"), root: target, pins: pins,
	}).AddMount(target, llb.Scratch())
	configured := g.run(unpacked, step{name: "[base] configure", scripts: script("dpkg.sh", "configure.sh"), root: "/"}).Root()
	r := installed()
	r.Before = ""
	return g.work(configured, "[base] settle", r)
}

func (g Graph) baseImage() llb.State {
	name := "[base] read " + g.Lock.Base.Ref
	if strings.HasPrefix(g.Lock.Base.Ref, app.LayoutPrefix) {
		return llb.OCILayout(BaseLayout+"/image@"+g.Lock.Base.Digest, llb.OCIStore("", BaseLayout), llb.WithCustomName(name))
	}
	repository, _, _ := strings.Cut(g.Lock.Base.Ref, "@")
	return llb.Image(repository+"@"+g.Lock.Base.Digest, llb.WithCustomName(name))
}

// PackageFiles are the two files of a base image that say what it is.
func (g Graph) PackageFiles() llb.State {
	follow := &llb.CopyInfo{FollowSymlinks: true}
	return llb.Scratch().
		File(llb.Copy(g.Base(), "/usr/lib/os-release", "/os-release", follow), llb.WithCustomName("[base] read os-release")).
		File(llb.Copy(g.Base(), "/var/lib/dpkg/status", "/status", follow), llb.WithCustomName("[base] read the package database"))
}

// Tools is the seed with the disk's tools unpacked, not configured, into it.
func (g Graph) Tools() llb.State {
	pins := g.Lock.Packages.Tools
	return g.run(g.Seed(), step{
		name: fmt.Sprintf("[tools] unpack %d packages", len(pins)), scripts: script("unpack.sh"), root: target, pins: pins,
	}).AddMount(target, g.Seed(), ByGraph)
}

// Machine is the system of the disk without the app.
func (g Graph) Machine() llb.State {
	base := g.Base()
	if len(g.Lock.Packages.Machine) == 0 {
		return base
	}
	return g.work(g.install(base, "machine", g.Lock.Packages.Machine), "[machine] settle", installed(), was(base))
}

// install runs dpkg in a tree; what it leaves is still to be settled.
func (g Graph) install(tree llb.State, layer string, pins []lock.Pin) llb.State {
	if len(pins) == 0 {
		return tree
	}
	return g.run(tree, step{
		name: fmt.Sprintf("[%s] install %d packages", layer, len(pins)), scripts: script("dpkg.sh", "install.sh", "configure.sh"), root: "/", pins: pins,
	}).Root()
}

// Dockerfiles builds a user's Dockerfile on a base, which has some names.
type Dockerfiles interface {
	Dockerfile(ctx context.Context, context, name string, base llb.State, names []string) (llb.State, error)
}

// RunsSteps says whether anything of the app's own runs in the tree.
func (g Graph) RunsSteps() bool { return g.App.Base.Dockerfile != "" || len(g.App.Steps) > 0 }

// Trimmed returns the names of the packages that are taken out of an artifact
// of an app, unless one that stays needs them.
func Trimmed(a app.App, kind string) []string {
	switch {
	case kind == artifact.Disk:
		return templates.Lines("machine/remove.txt")
	case a.Container.Shell:
		return nil
	}
	return slices.DeleteFunc(slices.Clone(templates.Lines("rootfs/container-remove.txt")), func(name string) bool {
		return slices.Contains(a.Packages, name)
	})
}

// usrLinks are the folders at the top that lead below /usr.
var usrLinks = []string{"bin", "lib", "lib32", "lib64", "libx32", "sbin"}

// Owns says whether the app may put anything of its own below a folder at the
// top, such as "usr"; the machine's settings are all below /etc.
func (g Graph) Owns(top string) bool {
	below := func(path string) bool {
		first := strings.SplitN(path, "/", 3)[1]
		return path == "/" || first == top || top == "usr" && slices.Contains(usrLinks, first)
	}
	return g.RunsSteps() ||
		slices.ContainsFunc(g.App.Files, func(f app.File) bool { return below(f.To) }) ||
		slices.ContainsFunc(g.App.Rights, func(r app.Right) bool { return below(r.Path) })
}

// Make runs scripts of templates/rootfs in tree and returns what they put into
// /out.
func (g Graph) Make(tree llb.State, name string, files []string, env map[string]string, mounts ...llb.RunOption) llb.State {
	return g.run(tree, step{name: name, scripts: script(files...), root: "/", env: env, mounts: mounts}).AddMount("/out", llb.Scratch())
}

func (g Graph) fetch(pin lock.Pin) llb.State {
	return llb.HTTP(strings.TrimSuffix(g.Sources.Mirror(pin.Archive), "/")+"/"+pin.Path,
		llb.Checksum(digest.NewDigestFromEncoded(digest.SHA256, pin.SHA256)),
		llb.Filename(FileName(pin)),
		llb.ProgressGroup("fetch", "[packages] fetch from the archive", false),
		llb.WithCustomNamef("fetch %s %s", pin.Name, pin.Version))
}

// FileName is the name that a package's file has in every step.
func FileName(pin lock.Pin) string { return pin.Name + "_" + pin.Arch + ".deb" }

func short(ref string) string {
	if _, sum, ok := strings.Cut(ref, "@sha256:"); ok && len(sum) > 12 {
		return sum[:12]
	}
	return ref
}
