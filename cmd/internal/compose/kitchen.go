// Package compose is the composition root that the commands share: the only
// place where the clients of the archive, the engine and the machines are
// constructed. It holds no flow and prints nothing.
package compose

import (
	"context"
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
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/pipelines"
	"github.com/bakelite/bakelite/scan/checker"
	"github.com/bakelite/bakelite/scan/child"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/controls/catalogue"
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
	known, err := catalogue.Load()
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
		Service:     program(programs.Service),
		TreeProgram: program(programs.Tree),
		State:       s.State, Vouch: key,
		Policy: rules, Publisher: publisher(s, rules, key), TUF: TUF(s),
		Output:   s.Output,
		Controls: hardening(known), Checker: child.Checker{Word: checker.Word}, SecureBoot: boot, Keys: []string{s.Sign.Key, s.SecureBoot.Key},
		Testers: map[string]pipelines.Tester{
			artifact.Container: containerTester{s.State},
			artifact.Disk:      fewAtOnce(diskTester{s.State, s.Accelerator, known, boot, program(programs.Check)}, s.Machines, machineMemory()),
		},
	}, nil
}

// program reads one of the small programs once.
func program(name string) func() ([]byte, error) {
	return sync.OnceValues(func() ([]byte, error) { return programs.Read(name) })
}

// EngineOptions says which engine the settings ask for.
func EngineOptions(s *settings.Settings) engine.Options {
	networks, _ := stepnet.ParseNetworks(s.Engine.Networks) // as the settings did
	return engine.Options{
		Address: s.Engine.Address, State: s.State, Idle: s.Engine.Idle.Std(),
		Networks: networks, UnconfinedNetwork: s.Engine.UnconfinedNetwork,
	}
}

// hardening gives the flows the controls.
type hardening []controls.Control

func (h hardening) UpTo(kind string, level int, allowed ...string) []controls.Control {
	return controls.For(h, kind, level, allowed...)
}
