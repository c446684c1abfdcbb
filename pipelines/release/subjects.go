package release

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish"
)

// subject is an artifact in the form in which it is published.
type subject struct {
	// name is its form: container, disk or containerdisk.
	name string
	// kind is artifact.Container or artifact.Disk.
	kind    string
	content publish.Content
	// made are the artifacts in it: an image, or the files of a disk.
	made []artifact.Artifact
	// repository is where it goes.
	repository string
	// beside puts the bundles beside the files too.
	beside bool
}

func (s subject) digest() string { return s.content.Manifest.Digest.String() }

// subjects are what a build made, as they will be published.
func (p Publisher) subjects(ctx context.Context, a app.App, built *results.Built, o Options) ([]subject, error) {
	var all []subject
	for _, describe := range []func(context.Context, app.App, []artifact.Artifact) (subject, error){p.image, p.disk} {
		s, err := describe(ctx, a, built.Artifacts)
		if err != nil {
			return nil, err
		}
		if len(s.made) > 0 {
			all = append(all, s)
		}
	}
	if o.ContainerDisk {
		s, err := p.containerDisk(ctx, a, built.Artifacts)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, errors.New("nothing was built")
	}
	return all, nil
}

// image is the app's image, empty where none was made.
func (p Publisher) image(ctx context.Context, a app.App, made []artifact.Artifact) (subject, error) {
	s := subject{name: artifact.Container, kind: artifact.Container, made: of(made, artifact.Container), repository: p.repository(a, "")}
	if len(s.made) == 0 {
		return s, nil
	}
	return s.described(ctx, "describe the container", func(ctx context.Context) (publish.Content, error) {
		return publish.Image(ctx, p.Folder.Layout(a.Name), s.made[0].Digest)
	})
}

// disk is the app's disk in all its forms, empty where none was made.
func (p Publisher) disk(ctx context.Context, a app.App, made []artifact.Artifact) (subject, error) {
	s := subject{name: artifact.Disk, kind: artifact.Disk, made: of(made, artifact.Disk), repository: p.repository(a, publish.DiskSuffix), beside: true}
	if len(s.made) == 0 {
		return s, nil
	}
	return s.described(ctx, "describe the disk", func(ctx context.Context) (publish.Content, error) {
		return publish.Disk(ctx, p.diskOptions(a, s.made))
	})
}

// containerDisk is the disk in the form that KubeVirt boots.
func (p Publisher) containerDisk(ctx context.Context, a app.App, made []artifact.Artifact) (subject, error) {
	made = slices.DeleteFunc(slices.Clone(made), func(m artifact.Artifact) bool { return m.Format != "qcow2" && m.Format != "raw" })
	if len(made) == 0 {
		return subject{}, fault.Hint(fault.New(fault.Invalid, "a containerdisk is made of a qcow2 or raw disk, and there is none"), "set vm.formats in %s", a.Path)
	}
	s := subject{name: "containerdisk", kind: artifact.Disk, made: []artifact.Artifact{examine.Bootable(made)}, repository: p.repository(a, publish.ContainerDiskSuffix)}
	return s.described(ctx, "pack the containerdisk", func(ctx context.Context) (publish.Content, error) {
		return publish.ContainerDisk(ctx, p.diskOptions(a, s.made))
	})
}

// described is the subject with its content.
func (s subject) described(ctx context.Context, doing string, content func(ctx context.Context) (publish.Content, error)) (_ subject, err error) {
	s.content, err = progress.Do(ctx, "[publish] "+doing, func(ctx context.Context, _ io.Writer) (publish.Content, error) { return content(ctx) })
	return s, err
}

func of(made []artifact.Artifact, kind string) []artifact.Artifact {
	return slices.DeleteFunc(slices.Clone(made), func(m artifact.Artifact) bool { return m.Kind != kind })
}

func (p Publisher) repository(a app.App, suffix string) string {
	return p.Destination + "/" + a.Name + suffix
}

func (p Publisher) diskOptions(a app.App, made []artifact.Artifact) publish.DiskOptions {
	o := publish.DiskOptions{App: a.Name, Platform: made[0].Platform, Cache: filepath.Join(p.State, "packed"), Vouch: p.Folder.Vouch}
	for _, m := range made {
		o.Files = append(o.Files, publish.DiskFile{Path: m.Path, Format: m.Format, Digest: m.Digest})
	}
	return o
}
