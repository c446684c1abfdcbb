// Package compose is the composition root that the commands share: the only
// place where the clients of the archive, the engine and the machines are
// constructed. It holds no flow and prints nothing.
package compose

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/stepnet"
	"github.com/bakelite/bakelite/cmd/internal/programs"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/pipelines"
	"github.com/bakelite/bakelite/scan/controls"
)

// New constructs everything that the flows of a program's version work with,
// but for the display of what happens: the caller sets and closes Progress.
// A command makes one kitchen for all of its apps.
func New(version string, s *settings.Settings) (pipelines.Kitchen, error) {
	if err := CheckState(s); err != nil {
		return pipelines.Kitchen{}, err
	}
	key, err := vouch.Open(s.State)
	if err != nil {
		return pipelines.Kitchen{}, err
	}
	mirrors := debian.MachineMirrors(os.DirFS("/"))
	maps.Copy(mirrors, s.Mirrors)
	client, err := debian.New(debian.Options{Cache: filepath.Join(s.State, "archive"), Mirrors: mirrors, Keyring: s.Keyring, Vouch: key})
	if err != nil {
		return pipelines.Kitchen{}, err
	}
	known, err := controls.Load()
	if err != nil {
		return pipelines.Kitchen{}, err
	}
	rules, err := Policy(s)
	if err != nil {
		return pipelines.Kitchen{}, err
	}
	boot, err := secureBoot(s.SecureBoot)
	if err != nil {
		return pipelines.Kitchen{}, err
	}
	return pipelines.Kitchen{
		Version: version, Revision: revision(), Platform: "linux/" + runtime.GOARCH,
		Archive: client, Mirrors: mirrors,
		Engine:      func(ctx context.Context) (*engine.Engine, error) { return OpenEngine(ctx, EngineOptions(s)) },
		Service:     sync.OnceValues(func() ([]byte, error) { return programs.Read(programs.Service) }),
		TreeProgram: sync.OnceValues(func() ([]byte, error) { return programs.Read(programs.Tree) }),
		State:       s.State, Vouch: key,
		Policy: rules, Publisher: publisher(s, rules, key), TUF: TUF(s),
		Output:   s.Output,
		Controls: hardening(known), SecureBoot: boot, Keys: []string{s.Sign.Key, s.SecureBoot.Key},
		Testers: map[string]pipelines.Tester{
			artifact.Container: containerTester{s.State}, artifact.Disk: fewAtOnce(diskTester{s.State, s.Accelerator, known, boot}, s.Machines, machineMemory()),
		},
	}, nil
}

// EngineOptions says which engine the settings ask for.
func EngineOptions(s *settings.Settings) engine.Options {
	networks, _ := stepnet.ParseNetworks(s.Engine.Networks) // as the settings did
	return engine.Options{
		Address: s.Engine.Address, State: s.State, Idle: s.Engine.Idle.Std(),
		Networks: networks, UnconfinedNetwork: s.Engine.UnconfinedNetwork,
	}
}

// level is how much hardening every image gets; level 2 costs speed or
// function and is left to a later option.
const level = 1

// hardening gives the flows the controls as scripts.
type hardening []controls.Control

func (h hardening) ApplyScript(kind string) string {
	return controls.ApplyScript(controls.For(h, kind, level))
}

func (h hardening) CheckScript(kind string) string {
	return controls.CheckScript(controls.For(h, kind, level))
}

// bootedScript checks a machine that runs; the administrator of the app file,
// where there is one, may log in.
func (h hardening) bootedScript(a app.App) string {
	user := ""
	if a.VM.Admin != nil {
		user = a.VM.Admin.User
	}
	return "ADMIN=" + user + "\n" + h.CheckScript(artifact.Disk)
}

func (h hardening) Results(kind string, printed io.Reader) ([]controls.Result, error) {
	return controls.ParseResults(printed, controls.For(h, kind, level))
}

func (h hardening) KernelArguments() []string {
	return controls.KernelArguments(controls.For(h, controls.Disk, level))
}
