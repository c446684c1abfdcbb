// Package bake is the flow that makes an app's artifacts from its lock: build,
// test, check, and only then move the names and write the receipt. Each step
// is a page of its own; build.go and rebuild.go have their order.
package bake

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/builders/vm"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/disk/uki"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/pipelines/results"
)

// Baker locks and bakes apps.
type Baker struct {
	pin.Locker
	Folder results.Folder
	// Revision names the source that Bakelite was built from: two of one
	// version may bake other bytes.
	Revision string
	// State is the folder of caches.
	State string
	// Mirrors lists the base URLs of each archive, for the engine.
	Mirrors map[string][]string
	Seeds   Seeds
	// Builder opens the build engine; it is called only where there is work.
	Builder func(ctx context.Context) (Builder, error)
	// TreeProgram returns the program bakelite-tree for the engine's platform,
	// Service the one that images carry for their service.
	TreeProgram, Service func() ([]byte, error)
	// Testers run the declared tests, by kind of artifact.
	Testers   map[string]Tester
	Hardening examine.Hardening
	// SecureBoot signs the disk's EFI program; nil leaves it unsigned.
	SecureBoot *uki.Signer
}

// Builder is the build engine as a maker of artifacts. Its own part of a
// session is the Engine.
type Builder interface {
	// Image makes an image in a layout folder.
	Image(ctx context.Context, g rootfs.Graph, s engine.Session, layout string) ([]artifact.Artifact, error)
	// Disk makes a disk in each format of the app.
	Disk(ctx context.Context, o vm.Order) ([]artifact.Artifact, error)
	Close() error
}

// Tester runs the declared tests of an app on one artifact.
type Tester interface {
	Test(ctx context.Context, a app.App, made artifact.Artifact, log io.Writer) (results.Tested, error)
}

// Options narrow a build.
type Options struct {
	// Targets are artifact.Container and artifact.Disk; empty means both.
	Targets []string
	// Frozen refuses to write a lock.
	Frozen bool
	// SkipTests leaves the declared tests out; the receipt says so.
	SkipTests bool
	// Rollback is pin.Options', for a lock that is made anew.
	Rollback bool
	// Receipt is the digest of the receipt of a build elsewhere, "" for none:
	// what it lists is taken from the output folder, and nothing is baked.
	Receipt string
	// Before, where set, is shown the lock before anything is baked of it, and
	// can refuse.
	Before func(ctx context.Context, l *lock.Lock) error
}

// Build is the forward flow: load, lock, build, test, and only then move the
// names and write the receipt.
func (b Baker) Build(ctx context.Context, a app.App, o Options) (*results.Built, error) {
	if err := b.Allowed(a); err != nil {
		return nil, err
	}
	release, err := b.Folder.Hold(ctx, a.Name)
	if err != nil {
		return nil, err
	}
	defer release()
	l, err := b.Locked(ctx, a, o.Frozen, pin.Options{Rollback: o.Rollback})
	if err != nil {
		return nil, err
	}
	return b.build(ctx, a, l, o)
}

// build builds from a lock; the caller holds the app's place.
func (b Baker) build(ctx context.Context, a app.App, l *lock.Lock, o Options) (*results.Built, error) {
	o.Targets = targets(o.Targets)
	started := time.Now().UTC()
	if err := b.Trusted(ctx, a, l); err != nil {
		return nil, err
	}
	if err := noteDockerfile(ctx, a); err != nil {
		return nil, err
	}
	if err := b.foresee(ctx, a, o.Targets); err != nil {
		return nil, err
	}
	key, err := b.key(a, l)
	if err != nil {
		return nil, err
	}
	if o.Receipt != "" {
		return b.handedOver(ctx, l, key, o)
	}
	old, err := b.Folder.LastBuild(ctx, a.Name)
	if err != nil {
		return nil, err
	}
	if old.Key == key && old.Serves(o.Targets, o.SkipTests) {
		return &results.Built{Receipt: old.Of(o.Targets), Lock: l}, nil
	}
	if o.Before != nil {
		if err := o.Before(ctx, l); err != nil {
			return nil, err
		}
	}
	w, err := b.bake(ctx, a, l, o.Targets)
	if err != nil {
		return nil, err
	}
	defer w.discard()
	r, err := w.finish(ctx, old, results.Receipt{App: a.Name, Key: key, LockDigest: l.Digest(), Bakelite: b.Version, Started: started}, o)
	if err != nil {
		return nil, err
	}
	return &results.Built{Receipt: r.Of(o.Targets), Lock: l, Rebuilt: true}, nil
}

func targets(asked []string) []string {
	if len(asked) == 0 {
		return []string{artifact.Container, artifact.Disk}
	}
	return slices.Compact(slices.Sorted(slices.Values(asked)))
}
