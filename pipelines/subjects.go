package pipelines

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
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

// Ends of the names of repositories, behind the app's.
const (
	diskSuffix          = "-disk"
	containerDiskSuffix = "-containerdisk"
)

func (s subject) digest() string { return s.content.Manifest.Digest.String() }

// subjects are what a build made, as they will be published.
func (k Kitchen) subjects(ctx context.Context, a app.App, built *Built, o PublishOptions) ([]subject, error) {
	var all []subject
	for _, kind := range []string{artifact.Container, artifact.Disk} {
		made := slices.DeleteFunc(slices.Clone(built.Artifacts), func(m artifact.Artifact) bool { return m.Kind != kind })
		if len(made) == 0 {
			continue
		}
		s := subject{name: kind, kind: kind, made: made}
		err := k.Progress.Do(ctx, "[publish] describe the "+kind, func(ctx context.Context, _ io.Writer) (_ bool, err error) {
			s.repository = k.Publisher.Destination + "/" + a.Name
			if kind == artifact.Container {
				s.content, err = publish.Image(ctx, k.layoutPath(a.Name), made[0].Digest)
				return false, err
			}
			s.repository += diskSuffix
			s.content, err = publish.Disk(ctx, k.diskOptions(a, made))
			return false, err
		})
		if err != nil {
			return nil, err
		}
		s.beside = kind == artifact.Disk
		all = append(all, s)
	}
	if o.ContainerDisk {
		s, err := k.containerDisk(ctx, a, built)
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

// containerDisk is the disk in the form that KubeVirt boots.
func (k Kitchen) containerDisk(ctx context.Context, a app.App, built *Built) (s subject, err error) {
	made := slices.DeleteFunc(slices.Clone(built.Artifacts), func(m artifact.Artifact) bool { return m.Format != "qcow2" && m.Format != "raw" })
	if len(made) == 0 {
		return s, fault.Hint(fault.New(fault.Invalid, "a containerdisk is made of a qcow2 or raw disk, and there is none"), "set vm.formats in %s", a.Path)
	}
	s = subject{name: "containerdisk", kind: artifact.Disk, made: []artifact.Artifact{bootableOf(made)}, repository: k.Publisher.Destination + "/" + a.Name + containerDiskSuffix}
	err = k.Progress.Do(ctx, "[publish] pack the containerdisk", func(ctx context.Context, _ io.Writer) (_ bool, err error) {
		s.content, err = publish.ContainerDisk(ctx, k.diskOptions(a, s.made))
		return false, err
	})
	return s, err
}

func (k Kitchen) diskOptions(a app.App, made []artifact.Artifact) publish.DiskOptions {
	o := publish.DiskOptions{App: a.Name, Platform: made[0].Platform, Cache: filepath.Join(k.State, "packed"), Vouch: k.Vouch}
	for _, m := range made {
		o.Files = append(o.Files, publish.DiskFile{Path: m.Path, Format: m.Format, Digest: m.Digest})
	}
	return o
}
