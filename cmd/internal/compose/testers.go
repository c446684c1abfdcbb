package compose

import (
	"bytes"
	"context"
	"io"
	"path/filepath"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/disk/uki"
	"github.com/bakelite/bakelite/pipelines"
	"github.com/bakelite/bakelite/runners/container"
	"github.com/bakelite/bakelite/runners/machine"
)

// containerTester runs the declared tests on a container image under runc.
type containerTester struct{ state string }

func (t containerTester) Test(ctx context.Context, a app.App, made artifact.Artifact, _ io.Writer) (pipelines.Tested, error) {
	results, record, err := container.Test(ctx, container.Options{
		Layout: made.Path, Digest: made.Digest, App: a, State: filepath.Join(t.state, "sandbox"),
	})
	return pipelines.Tested{Results: results, MemoryBytes: record.MemoryBytes}, err
}

// diskTester runs the declared tests on a disk in QEMU.
type diskTester struct {
	state       string
	accelerator string
	controls    hardening
	boot        *uki.Signer
}

func (t diskTester) Test(ctx context.Context, a app.App, made artifact.Artifact, _ io.Writer) (pipelines.Tested, error) {
	// Other builds may test their machines at the same time.
	folder, err := cache.New(filepath.Join(t.state, "machine"), "test-")
	if err != nil {
		return pipelines.Tested{}, err
	}
	defer folder.Close()
	o := machine.Options{Disk: made.Path, App: a, State: folder.Path, Accelerator: t.accelerator, Controls: t.controls.bootedScript(a)}
	if t.boot != nil {
		o.SecureBoot = t.boot.Certificate
	}
	results, record, err := machine.Test(ctx, o)
	tested := pipelines.Tested{
		Results: results, BootSeconds: record.BootSeconds, MemoryBytes: record.MemoryBytes, Accelerator: record.Accel,
	}
	if err == nil && record.Controls != nil {
		tested.Booted, err = t.controls.Results(artifact.Disk, bytes.NewReader(record.Controls))
	}
	return tested, err
}
