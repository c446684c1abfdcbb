package compose

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/disk/uki"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/runners/container"
	"github.com/bakelite/bakelite/runners/machine"
	"github.com/bakelite/bakelite/scan/controls/check"
)

// containerTester runs the declared tests on a container image under runc.
type containerTester struct{ state string }

func (t containerTester) Test(ctx context.Context, a app.App, made artifact.Artifact, _ io.Writer) (results.Tested, error) {
	found, record, err := container.Test(ctx, container.Options{
		Layout: made.Path, Digest: made.Digest, App: a, State: filepath.Join(t.state, "sandbox"),
	})
	return results.Tested{Results: found, MemoryBytes: record.MemoryBytes}, err
}

// diskTester runs the declared tests on a disk in QEMU.
type diskTester struct {
	state       string
	accelerator string
	controls    applied
	boot        *uki.Signer
	// program is the one that looks at the booted machine.
	program func() ([]byte, error)
}

func (t diskTester) Test(ctx context.Context, a app.App, made artifact.Artifact, _ io.Writer) (results.Tested, error) {
	order := check.Order{Controls: t.controls.UpTo(artifact.Disk, a.Hardening.Level, a.Service.Allow...), Options: running(a)}
	inspector, err := t.inspector(order)
	if err != nil {
		return results.Tested{}, err
	}
	// Other builds may test their machines at the same time.
	folder, err := cache.New(filepath.Join(t.state, "machine"), "test-")
	if err != nil {
		return results.Tested{}, err
	}
	defer folder.Close()
	o := machine.Options{Disk: made.Path, App: a, State: folder.Path, Accelerator: t.accelerator, Inspector: inspector}
	if t.boot != nil {
		o.SecureBoot = t.boot.Certificate
	}
	found, record, err := machine.Test(ctx, o)
	tested := results.Tested{
		Results: found, BootSeconds: record.BootSeconds, MemoryBytes: record.MemoryBytes, Accelerator: record.Accel,
	}
	if err == nil && len(found) > 0 && found[0].Passed { // it booted
		if tested.Booted, err = check.DecodeResults(record.Controls, order); err != nil && record.ControlsLog != "" {
			err = fault.Hint(err, "the machine says:\n%s", record.ControlsLog)
		}
	}
	return tested, err
}

func (t diskTester) inspector(order check.Order) (machine.Inspector, error) {
	program, err := t.program()
	if err != nil {
		return machine.Inspector{}, err
	}
	text, err := order.Encode()
	if err != nil {
		return machine.Inspector{}, fmt.Errorf("writing order: %w", err)
	}
	return machine.Inspector{Program: program, Order: text}, nil
}

// running is what a booted disk of an app is meant to be.
func running(a app.App) check.Options {
	s := &check.Service{Unit: a.Unit(), User: a.Service.User}
	o := check.Options{Service: s, Rights: examine.RightsOf(a, artifact.Disk), Ports: []string{fmt.Sprintf("%d/tcp", machine.ProbePort(a.Service))}}
	for _, p := range a.Service.Ports {
		o.Ports = append(o.Ports, fmt.Sprintf("%d/%s", p.Number, cmp.Or(p.Protocol, "tcp")))
		if p.Number < firstFreePort {
			s.Capabilities = []string{"net_bind_service"}
		}
	}
	if a.VM.Admin != nil {
		o.Admin = a.VM.Admin.User
		o.Ports = append(o.Ports, "22/tcp")
	}
	return o
}

// firstFreePort is the first that binding takes no capability for (ip(7)).
const firstFreePort = 1024
