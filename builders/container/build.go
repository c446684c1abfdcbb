package container

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/profile"
)

// Build makes the image and puts its blobs into a layout folder, without a
// name there; blobs that the layout has already are not written again.
func Build(ctx context.Context, g rootfs.Graph, s engine.Session, layout string) ([]artifact.Artifact, error) {
	if err := os.MkdirAll(layout, 0o755); err != nil {
		return nil, fmt.Errorf("making layout folder: %w", err)
	}
	digest, err := s.Solve(ctx, engine.Job{
		Graph: func(ctx context.Context, b engine.Dockerfiles) (llb.State, error) { return Graph(ctx, g, b) },
		Image: &engine.Image{
			Config:      func(read engine.ReadFile) ([]byte, error) { return configOf(g, read) },
			Annotations: Annotations(g.App, g.Lock), Layout: layout, Epoch: g.Lock.Epoch().Unix(),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("making the container image: %w", err)
	}
	size, err := oci.Size(layout, digest)
	if err != nil {
		return nil, err
	}
	return []artifact.Artifact{{
		Kind: artifact.Container, Format: "layout", Ref: layout + "@" + digest, Path: layout,
		Digest: digest, Size: size, Platform: g.Lock.Platform,
	}}, nil
}

// configOf looks the service's user up in the image that was made.
func configOf(g rootfs.Graph, read engine.ReadFile) ([]byte, error) {
	passwd, err := read("/etc/passwd")
	if err != nil {
		return nil, err
	}
	group, err := read("/etc/group")
	if err != nil {
		return nil, err
	}
	id, err := profile.Identify(g.App.Service.User, strings.NewReader(passwd), strings.NewReader(group))
	if err != nil {
		return nil, err
	}
	p, err := g.Profile()
	if err != nil {
		return nil, err
	}
	return Config(g.App, g.Lock, p, id)
}

// ReadBase reads the files of a base image that say what it is into dir:
// os-release and dpkg's status.
func ReadBase(ctx context.Context, g rootfs.Graph, s engine.Session, dir string) error {
	_, err := s.Solve(ctx, engine.Job{
		Graph: func(context.Context, engine.Dockerfiles) (llb.State, error) { return g.PackageFiles(), nil },
		Dir:   dir,
	})
	return err
}
