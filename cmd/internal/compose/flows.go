// Package compose is the composition root that the commands share: the only
// place where the clients of the archive, the engine and the machines are
// constructed. It holds no flow and prints nothing.
package compose

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/stepnet"
	"github.com/bakelite/bakelite/cmd/internal/programs"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/distro/debian/fetch"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/disk/uki"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/private"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/pipelines/release"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/scan/checker"
	"github.com/bakelite/bakelite/scan/child"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/controls/catalogue"
)

// Flows are the receivers of all flows, with the clients that they share.
type Flows struct {
	Baker     bake.Baker
	Publisher release.Publisher
	Reader    look.Reader
	// Archive says what the archives of releases have now.
	Archive *debian.Client
}

// New constructs everything that the flows of a program's version work with. A
// command makes it once for all of its apps. What happens is shown by the
// display of each flow's context.
func New(version string, s *settings.Settings) (Flows, error) {
	c, err := open(s)
	if err != nil {
		return Flows{}, err
	}
	folder := results.Folder{Path: s.Output, Vouch: c.key}
	hardening := examine.Hardening{Controls: c.controls, Checker: child.Checker{Word: checker.Word}}
	e := examiner(s, c, hardening)
	reader := look.Reader{Policy: c.policy, Examiner: e, Platform: platform, Destination: destination(s), TUF: TUF(s)}
	return Flows{
		Baker: bake.Baker{
			Locker: locker(version, s, c, reader.JudgeImage),
			Folder: folder, Revision: revision(), State: s.State, Mirrors: c.mirrors, Seeds: c.archive,
			Builder:     func(ctx context.Context) (bake.Builder, error) { return openBuildKit(ctx, s) },
			TreeProgram: program(programs.Tree), Service: program(programs.Service),
			Testers: testers(s, c), Hardening: hardening, SecureBoot: c.boot,
		},
		Publisher: publisher(s, c, folder, e),
		Reader:    reader,
		Archive:   c.archive,
	}, nil
}

const platform = "linux/" + runtime.GOARCH

// clients is what several receivers have a part in.
type clients struct {
	key      vouch.Key
	mirrors  map[string][]string
	archive  *debian.Client
	controls applied
	policy   policy.Policy
	boot     *uki.Signer
}

// open reads what the settings name, and reaches nobody.
func open(s *settings.Settings) (c clients, err error) {
	if err := CheckState(s); err != nil {
		return c, err
	}
	if c.key, err = vouch.Open(s.State); err != nil {
		return c, err
	}
	c.mirrors = fetch.MachineMirrors(os.DirFS("/"))
	maps.Copy(c.mirrors, s.Mirrors)
	c.archive, err = debian.New(debian.Options{Cache: filepath.Join(s.State, "archive"), Mirrors: c.mirrors, Keyring: s.Keyring, Vouch: c.key})
	if err != nil {
		return c, err
	}
	if c.controls, err = catalogue.Load(); err != nil {
		return c, err
	}
	if c.policy, err = Policy(s); err != nil {
		return c, err
	}
	c.boot, err = secureBoot(s.SecureBoot)
	return c, err
}

func locker(version string, s *settings.Settings, c clients, judge engine.JudgeImage) pin.Locker {
	return pin.Locker{
		Version: version, Platform: platform, Archive: c.archive, Policy: c.policy, Judge: judge,
		Engine:   func(ctx context.Context) (pin.Engine, error) { return openBuildKit(ctx, s) },
		Excluded: pin.Excluded{Output: s.Output, State: s.State, Registry: destination(s), Keys: []string{s.Sign.Key, s.SecureBoot.Key}},
	}
}

func testers(s *settings.Settings, c clients) map[string]bake.Tester {
	machines := diskTester{s.State, s.Accelerator, c.controls, c.boot, program(programs.Check)}
	return map[string]bake.Tester{
		artifact.Container: containerTester{s.State},
		artifact.Disk:      fewAtOnce(machines, s.Machines, machineMemory()),
	}
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

// applied are the controls that the flows apply.
type applied []controls.Control

func (c applied) UpTo(kind string, level int, allowed ...string) []controls.Control {
	return controls.For(c, kind, level, allowed...)
}

// CheckState makes the state folder where there is none, and closes it to
// other users, for what is in it is believed. One that cannot be written to,
// or that others own or could write to, is refused.
func CheckState(s *settings.Settings) error {
	err := private.State(s.State)
	if err == nil {
		err = unix.Access(s.State, unix.W_OK|unix.X_OK)
	}
	if err == nil {
		return nil
	}
	return fault.Hint(fault.As(fault.Invalid, fmt.Errorf("%s: %s: %w", s.Named("state"), s.State, err)),
		"name a folder that you may write to with --state or BAKELITE_STATE")
}
