// Package container makes the OCI image of an app: the root filesystem
// without what only a machine or the making of an image needs. Config and
// Graph are pure; Build drives the engine.
package container

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/moby/buildkit/client/llb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/profile/form"
	"github.com/bakelite/bakelite/templates"
)

// Graph returns the image's filesystem. Where nothing of the app runs in the
// tree, the app's files are a layer of their own on a tree that many builds
// share; else there is one layer.
func Graph(ctx context.Context, g rootfs.Graph, b rootfs.Dockerfiles) (llb.State, error) {
	k := kind(g)
	if !g.RunsSteps() {
		return g.Over(flat(g.System(k), "system"), k), nil
	}
	tree, err := g.Built(ctx, k, b)
	if err != nil {
		return llb.State{}, err
	}
	return flat(tree, "system and app"), nil
}

// kind is what a container makes of the app: a tree without what a running
// service does not need, unless the app keeps a shell. Then it stays a system
// with its packages.
func kind(g rootfs.Graph) rootfs.Kind {
	p := profile.Of(g.App)
	k := rootfs.Kind{Name: artifact.Container, On: g.Base(), Pins: g.Lock.Packages.App, Build: g.Lock.Packages.Build, Files: files(g, p), Folders: p.Own()}
	if g.App.Container.Shell {
		return k
	}
	k.Remove, k.KeepNeeded = rootfs.Trimmed(g.App, artifact.Container), true
	k.Drop, k.Trim = templates.Lines("rootfs/container-drop.txt"), templates.Lines("rootfs/container-trim.txt")
	return k
}

// files are what an image needs to run in any container engine: those that
// engines put their own over.
func files(g rootfs.Graph, p profile.Profile) []app.File {
	all := []app.File{{To: "/etc/hostname", Content: p.Name + "\n"}, {To: "/etc/resolv.conf"}}
	if p.Starts() || p.Asks() {
		all = append(all, g.Program())
	}
	for _, f := range form.Hosts(p) {
		all = append(all, app.File{To: f.Path, Content: f.Text})
	}
	return all
}

// flat copies a tree into one layer, so that what a step removed is gone.
func flat(tree llb.State, name string) llb.State {
	return llb.Scratch().File(llb.Copy(tree, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true}),
		llb.WithCustomName("[container] one layer of "+name))
}

// healthcheck is Docker's extension of the image configuration, which has
// durations in nanoseconds.
type healthcheck struct {
	Test     []string      `json:"Test"`
	Interval time.Duration `json:"Interval"`
	Timeout  time.Duration `json:"Timeout"`
	Retries  int           `json:"Retries"`
}

type config struct {
	ocispec.ImageConfig
	Healthcheck *healthcheck `json:"Healthcheck,omitempty"`
}

type image struct {
	ocispec.Platform
	Config config         `json:"config"`
	RootFS ocispec.RootFS `json:"rootfs"`
}

// Config returns the image configuration in the form of the OCI image
// specification, with Docker's health check.
func Config(a app.App, l *lock.Lock, p profile.Profile, id profile.Identity) ([]byte, error) {
	var img image
	img.OS, img.Architecture, _ = strings.Cut(l.Platform, "/")
	img.RootFS.Type = "layers"
	img.Config.User = id.String()
	img.Config.Entrypoint, img.Config.WorkingDir, img.Config.Env = p.Start(), p.Dir, p.Environment
	img.Config.StopSignal = p.StopSignal
	img.Config.Labels = Annotations(a, l)
	for _, port := range p.Ports {
		img.Config.ExposedPorts = with(img.Config.ExposedPorts, fmt.Sprintf("%d/%s", port.Number, port.Protocol))
	}
	for _, f := range p.Folders {
		if f.Lasts {
			img.Config.Volumes = with(img.Config.Volumes, f.Path)
		}
	}
	if h := p.Health; h != nil {
		ask := p.Question()
		if h.Command != nil {
			ask = h.Command.Run
		}
		img.Config.Healthcheck = &healthcheck{
			Test: append([]string{"CMD"}, ask...), Interval: time.Duration(h.Interval), Timeout: time.Duration(h.Timeout), Retries: h.Retries,
		}
	}
	return json.Marshal(img)
}

// with adds a member to a set, in the form of image configurations.
func with(set map[string]struct{}, member string) map[string]struct{} {
	if set == nil {
		set = map[string]struct{}{}
	}
	set[member] = struct{}{}
	return set
}

// Annotations says what the image is and what it stands on, by the keys of
// the OCI image specification and our own.
func Annotations(a app.App, l *lock.Lock) map[string]string {
	notes := map[string]string{
		"org.opencontainers.image.title":   a.Name,
		"org.opencontainers.image.created": l.Epoch().UTC().Format(time.RFC3339),
		lock.Annotation:                    l.Digest(),
		"dev.bakelite.version":             l.Bakelite,
	}
	switch {
	case l.Base != nil:
		notes["org.opencontainers.image.base.name"] = l.Base.Ref
		notes["org.opencontainers.image.base.digest"] = l.Base.Digest
	case len(l.Archives) > 0:
		notes["org.opencontainers.image.base.name"] = "archive:" + l.Archives[0].Name + "/" + l.Archives[0].Suite
		notes["org.opencontainers.image.base.digest"] = "sha256:" + l.Archives[0].InRelease
	}
	if h := a.Service.Health; h != nil {
		notes["dev.bakelite.health"] = healthNote(*h)
	}
	for key, value := range a.Container.Labels {
		notes[key] = value
	}
	return notes
}

// healthNote is the health check as JSON, with the names of the app file, for
// platforms that probe from outside.
func healthNote(h app.Health) string {
	note := map[string]any{"interval": h.Interval.String(), "timeout": h.Timeout.String(), "retries": h.Retries}
	switch {
	case h.HTTP != nil:
		note["http"] = map[string]any{"path": h.HTTP.Path, "port": h.HTTP.Port, "status": h.HTTP.Status}
	case h.TCP != nil:
		note["tcp"] = map[string]any{"port": h.TCP.Port}
	case h.Command != nil:
		note["command"] = map[string]any{"run": h.Command.Run, "exit": h.Command.Exit}
	}
	text, err := json.Marshal(note)
	if err != nil {
		panic("texts and numbers always marshal: " + err.Error())
	}
	return string(text)
}
