package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bakelite/bakelite/builders"
	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/archive"
	"github.com/bakelite/bakelite/internal/machine"
	"github.com/bakelite/bakelite/internal/sandbox"
	"github.com/bakelite/bakelite/internal/settings"
	"github.com/bakelite/bakelite/pipelines"
	"github.com/bakelite/bakelite/scan/controls"
)

func load(c *cobra.Command) (*settings.Settings, error) {
	return settings.Load(settings.Options{Flags: c.Flags(), Environ: os.Environ()})
}

func engineOptions(s *settings.Settings) engine.Options {
	return engine.Options{Address: s.Engine.Address, State: s.State, Idle: s.Engine.Idle.Std()}
}

// newKitchen constructs everything that the flows work with. The caller ends
// the progress display.
func newKitchen(s *settings.Settings, progress io.Writer) (pipelines.Kitchen, error) {
	mirrors := archive.MachineMirrors(os.DirFS("/"))
	for name, urls := range s.Mirrors {
		mirrors[name] = urls
	}
	client, err := archive.New(archive.Options{Cache: filepath.Join(s.State, "archive"), Mirrors: mirrors, Keyring: s.Keyring})
	if err != nil {
		return pipelines.Kitchen{}, err
	}
	known, err := controls.Load()
	if err != nil {
		return pipelines.Kitchen{}, err
	}
	display, err := engine.NewProgress(progress, progressMode(s))
	if err != nil {
		return pipelines.Kitchen{}, err
	}
	return pipelines.Kitchen{
		Version: version, Platform: "linux/" + runtime.GOARCH,
		Archive: client, Mirrors: mirrors,
		Engine:   func(ctx context.Context) (*engine.Engine, error) { return engine.Open(ctx, engineOptions(s)) },
		State:    s.State,
		Output:   s.Output,
		Controls: hardening(known),
		Testers: map[string]pipelines.Tester{
			builders.Container: containerTester{s.State}, builders.Disk: diskTester{s.State},
		},
		Progress: display,
	}, nil
}

func progressMode(s *settings.Settings) string {
	switch {
	case s.Progress == "json":
		return "rawjson"
	case s.Progress != "auto":
		return s.Progress
	case term.IsTerminal(int(os.Stderr.Fd())):
		return "tty"
	}
	return "plain"
}

// level is how much hardening every image gets; level 2 costs speed or
// function and is left to a later option.
const level = 1

// hardening gives the flows the controls as scripts.
type hardening []controls.Control

func (h hardening) ApplyScript(kind string) string {
	return controls.ApplyScript(controls.For(h, kind, level))
}

func (h hardening) KernelArguments() []string {
	return controls.KernelArguments(controls.For(h, controls.Disk, level))
}

// containerTester runs the declared tests on a container image under runc.
type containerTester struct{ state string }

func (t containerTester) Test(ctx context.Context, a app.App, made builders.Artifact, _ io.Writer) (pipelines.Tested, error) {
	results, record, err := sandbox.Test(ctx, sandbox.Options{
		Layout: made.Path, Digest: made.Digest, App: a, State: filepath.Join(t.state, "sandbox"),
	})
	return pipelines.Tested{Results: results, MemoryBytes: record.MemoryBytes}, err
}

// diskTester runs the declared tests on a disk in QEMU.
type diskTester struct{ state string }

func (t diskTester) Test(ctx context.Context, a app.App, made builders.Artifact, _ io.Writer) (pipelines.Tested, error) {
	results, record, err := machine.Test(ctx, machine.Options{
		Disk: made.Path, App: a, State: filepath.Join(t.state, "machine"),
	})
	return pipelines.Tested{
		Results: results, BootSeconds: record.BootSeconds, MemoryBytes: record.MemoryBytes, Accelerator: record.Accel,
	}, err
}
