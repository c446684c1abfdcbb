package pipelines

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/builders/container"
	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/builders/vm"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/scan/controls"
)

// work is a build in a folder beside the results; nothing in it has its final
// name yet.
type work struct {
	kitchen Kitchen
	app     app.App
	dir     string
	graph   rootfs.Graph
	source  engine.Kitchen
	made    []artifact.Artifact
}

func (k Kitchen) newWork(a app.App) (*work, error) {
	w := &work{kitchen: k, app: a, dir: filepath.Join(k.Output, "."+a.Name+".work")}
	w.discard() // what an interrupted build left
	for _, dir := range []string{w.dir, k.partsPath()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("making work folder: %w", err)
		}
	}
	return w, nil
}

// discard ends the work; what got its final name stays.
func (w *work) discard() {
	_ = os.RemoveAll(w.dir)
	if w.source.Engine != nil {
		_ = w.source.Engine.Close()
	}
}

func (k Kitchen) partsPath() string { return filepath.Join(k.State, "parts") }

func (k Kitchen) layoutPath(app string) string { return filepath.Join(k.Output, app+".oci") }

// bake makes the artifacts of the targets, side by side on one engine.
func (k Kitchen) bake(ctx context.Context, a app.App, l *lock.Lock, targets []string) (*work, error) {
	graph, source, err := k.graph(ctx, a, l)
	if err != nil {
		return nil, err
	}
	e, err := k.Engine(ctx)
	if err != nil {
		return nil, err
	}
	source.Engine, source.Progress = e, k.Progress
	w, err := k.newWork(a)
	if err != nil {
		_ = e.Close()
		return nil, err
	}
	w.graph, w.source = graph, source
	made := make([][]artifact.Artifact, 2)
	group, ctx := errgroup.WithContext(ctx)
	if slices.Contains(targets, artifact.Container) {
		group.Go(func() (err error) {
			made[0], err = w.image(ctx)
			return err
		})
	}
	if slices.Contains(targets, artifact.Disk) {
		group.Go(func() (err error) {
			made[1], err = vm.Drive(ctx, w.disk())
			return err
		})
	}
	if err := group.Wait(); err != nil {
		w.discard()
		return nil, w.named(err)
	}
	w.made = slices.Concat(made...)
	return w, nil
}

// named puts the app file's name before a mistake that it makes.
func (w *work) named(err error) error {
	if fault.KindOf(err) == fault.Invalid {
		return fmt.Errorf("%s: %w", w.app.Path, err)
	}
	return err
}

// image makes the app's image in a whole layout; blobs that the layout which
// stands has already are not written again.
func (w *work) image(ctx context.Context) ([]artifact.Artifact, error) {
	layout := filepath.Join(w.dir, filepath.Base(w.kitchen.layoutPath(w.app.Name)))
	if err := oci.Share(w.kitchen.layoutPath(w.app.Name), layout); err != nil {
		return nil, err
	}
	made, err := container.Build(ctx, w.graph, w.source, layout)
	if err != nil {
		return nil, err
	}
	if err := oci.Name(layout, w.app.Name, made[0].Digest, made[0].Platform); err != nil {
		return nil, err
	}
	return made, oci.Prune(layout)
}

// disk is the order for the app's disk.
func (w *work) disk() vm.Order {
	return vm.Order{
		Graph: w.graph, Kitchen: w.source, Parts: w.kitchen.partsPath(), Vouch: w.kitchen.Vouch, Output: w.dir,
		KernelArguments: controls.KernelArguments(w.kitchen.hardening(w.app, artifact.Disk)), SecureBoot: w.kitchen.SecureBoot,
	}
}

// graph describes the app's root filesystem and what of this machine it reads.
func (k Kitchen) graph(ctx context.Context, a app.App, l *lock.Lock) (rootfs.Graph, engine.Kitchen, error) {
	for _, archive := range l.Archives {
		if len(k.Mirrors[archive.Name]) == 0 {
			return rootfs.Graph{}, engine.Kitchen{}, fault.Hint(fault.New(fault.Missing, "no mirror is known for the archive %q", archive.Name),
				"set mirrors.%s to the base URL of a mirror", archive.Name)
		}
	}
	seed, err := k.seedLayout(ctx, l)
	if err != nil {
		return rootfs.Graph{}, engine.Kitchen{}, err
	}
	digest, err := oci.Only(seed)
	if err != nil {
		return rootfs.Graph{}, engine.Kitchen{}, err
	}
	tree, treeDigest, err := k.programLayout(ctx)
	if err != nil {
		return rootfs.Graph{}, engine.Kitchen{}, err
	}
	program, err := k.Service()
	if err != nil {
		return rootfs.Graph{}, engine.Kitchen{}, err
	}
	source := engine.Kitchen{
		Locals:  map[string]string{rootfs.AppFolder: a.Dir, rootfs.Context: a.Dir},
		Unseen:  k.unseen(a),
		Layouts: map[string]string{rootfs.SeedLayout: seed, rootfs.ProgramLayout: tree},
		Caches:  engine.NewCaches(a.Name, l.Digest()),
	}
	maps.Copy(source.Layouts, layouts(a))
	if l.Base != nil || a.Base.Dockerfile != "" {
		source.Judge = k.judgeLocked(l)
	}
	return rootfs.Graph{
		App: a, Lock: l, Service: program,
		Controls: map[string]json.RawMessage{artifact.Container: k.applied(a, artifact.Container), artifact.Disk: k.applied(a, artifact.Disk)},
		Sources: rootfs.Sources{
			Mirror:  func(archive string) string { return k.Mirrors[archive][0] },
			Seed:    rootfs.SeedLayout + "/image@" + digest,
			Program: rootfs.ProgramLayout + "/image@" + treeDigest,
		},
	}, source, nil
}
