// Package pipelines holds the flows, each one file to read from top to bottom:
// lock.go (App to Lock), build.go (the forward flow) and rebuild.go (the update
// flow). Only this package knows the order of the stages; commands construct
// the Kitchen and hand it in.
package pipelines

import (
	"context"
	"io"

	"github.com/bakelite/bakelite/publish/sigstore"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/disk/uki"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/runners/probe"
	"github.com/bakelite/bakelite/scan/controls"
)

// Kitchen is what the flows work with; a command's composition root fills it.
type Kitchen struct {
	// Version is Bakelite's own, Revision names the source that it was built
	// from: two of one version may bake other bytes.
	Version, Revision string
	// Platform is what is built for: "linux/amd64".
	Platform string
	// Archive reads the distribution's package archive.
	Archive *debian.Client
	// Mirrors lists the base URLs of each archive, for the engine.
	Mirrors map[string][]string
	// Engine opens the build engine; it is called only when there is work.
	Engine func(ctx context.Context) (*engine.Engine, error)
	// TreeProgram returns the program bakelite-tree for the engine's platform.
	TreeProgram func() ([]byte, error)
	// Service reads the program that images carry for their service.
	Service func() ([]byte, error)
	// State is the folder of caches; Output that of results.
	State, Output string
	// Vouch tells what this state folder's own commands noted from what others
	// wrote to state or output.
	Vouch vouch.Key
	// Testers run the declared tests, by kind of artifact.
	Testers map[string]Tester
	// Controls are the hardening controls, Checker says which of them hold.
	Controls Controls
	Checker  Checker
	// Policy judges what is stood on and what is published.
	Policy policy.Policy
	// SecureBoot signs the disk's EFI program; nil leaves it unsigned.
	SecureBoot *uki.Signer
	// Keys are the files of the keys that sign; empty names count for nothing.
	Keys []string
	// Publisher is what publishing needs; without it nothing is published.
	Publisher Publisher
	// Registry says how registries are reached, TUF where the public
	// Sigstore's trusted root comes from.
	Registry registry.Options
	TUF      sigstore.TUF
	// Progress shows what happens.
	Progress *progress.Display
}

// Tester runs the declared tests of an app on one artifact.
type Tester interface {
	Test(ctx context.Context, a app.App, made artifact.Artifact, log io.Writer) (Tested, error)
}

// Tested is what the tests of one artifact gave.
type Tested struct {
	Results []probe.Result `json:"results"`
	// Hardening is which controls hold in what was made.
	Hardening []controls.Result `json:"hardening,omitempty"`
	// Booted is which hold in the running machine, for a disk.
	Booted []controls.Result `json:"booted,omitempty"`
	// BootSeconds is the time from power on to the service, for a disk.
	BootSeconds float64 `json:"bootSeconds,omitempty"`
	// MemoryBytes is the most memory that the service or machine used.
	MemoryBytes int64 `json:"memoryBytes,omitempty"`
	// Accelerator is kvm or tcg for a disk.
	Accelerator string `json:"accelerator,omitempty"`
}

// Controls gives the hardening of an artifact kind: its records, those up to a
// level whether or not they are applied, and arguments of the kernel.
type Controls interface {
	For(kind string) []controls.Control
	UpTo(kind string, level int) []controls.Control
	KernelArguments() []string
}
