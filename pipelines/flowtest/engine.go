package flowtest

import (
	"context"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/builders/vm"
	"github.com/bakelite/bakelite/internal/artifact"
)

// Engine is the ports as the build engine: it makes an image and a disk of
// their own.
type Engine struct{ *Ports }

// Image writes a layout.
func (e Engine) Image(_ context.Context, _ rootfs.Graph, _ engine.Session, layout string) ([]artifact.Artifact, error) {
	if err := e.Ask("image"); err != nil {
		return nil, err
	}
	made, err := image(layout, 2048)
	return []artifact.Artifact{made}, err
}

// Disk writes a raw disk.
func (e Engine) Disk(_ context.Context, o vm.Order) ([]artifact.Artifact, error) {
	if err := e.Ask("disk"); err != nil {
		return nil, err
	}
	made, err := disk(o.Output, "raw", "a newer disk")
	return []artifact.Artifact{made}, err
}

// Close notes that it was.
func (e Engine) Close() error { return e.Ask("engine closed") }
