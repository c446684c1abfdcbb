package bake

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

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
	baker   Baker
	app     app.App
	dir     string
	graph   rootfs.Graph
	session engine.Session
	builder Builder
	made    []artifact.Artifact
}

// newWork makes the work's folder; builder is closed with it.
func (b Baker) newWork(a app.App, builder Builder) (*work, error) {
	w := &work{baker: b, app: a, dir: filepath.Join(b.Folder.Path, "."+a.Name+".work"), builder: builder}
	_ = os.RemoveAll(w.dir) // what an interrupted build left
	for _, dir := range []string{w.dir, Parts(b.State)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			w.discard()
			return nil, fmt.Errorf("making work folder: %w", err)
		}
	}
	return w, nil
}

// discard ends the work; what got its final name stays.
func (w *work) discard() {
	_ = os.RemoveAll(w.dir)
	_ = w.builder.Close()
}

// Parts is where the parts of disks are kept in a state folder.
func Parts(state string) string { return filepath.Join(state, "parts") }

// bake makes the artifacts of the targets, side by side on one engine.
func (b Baker) bake(ctx context.Context, a app.App, l *lock.Lock, targets []string) (*work, error) {
	graph, session, err := b.graph(ctx, a, l)
	if err != nil {
		return nil, err
	}
	builder, err := b.Builder(ctx)
	if err != nil {
		return nil, err
	}
	w, err := b.newWork(a, builder)
	if err != nil {
		return nil, err
	}
	w.graph, w.session = graph, session
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
			made[1], err = w.disk(ctx)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		w.discard()
		return nil, w.inAppFile(err)
	}
	w.made = slices.Concat(made...)
	return w, nil
}

// inAppFile puts the app file's name before a mistake that it makes.
func (w *work) inAppFile(err error) error {
	if fault.KindOf(err) == fault.Invalid {
		return fmt.Errorf("%s: %w", w.app.Path, err)
	}
	return err
}

// image makes the app's image in a whole layout; blobs that the layout which
// is there has already are not written again.
func (w *work) image(ctx context.Context) ([]artifact.Artifact, error) {
	there := w.baker.Folder.Layout(w.app.Name)
	layout := filepath.Join(w.dir, filepath.Base(there))
	if err := oci.Share(there, layout); err != nil {
		return nil, err
	}
	made, err := w.builder.Image(ctx, w.graph, w.session, layout)
	if err != nil {
		return nil, err
	}
	if err := oci.Name(layout, w.app.Name, made[0].Digest, made[0].Platform); err != nil {
		return nil, err
	}
	return made, oci.Prune(layout)
}

// disk makes the app's disk in the work's folder.
func (w *work) disk(ctx context.Context) ([]artifact.Artifact, error) {
	return w.builder.Disk(ctx, vm.Order{
		Graph: w.graph, Session: w.session, Parts: Parts(w.baker.State), Vouch: w.baker.Folder.Vouch, Output: w.dir,
		KernelArguments: controls.KernelArguments(w.baker.Hardening.Of(w.app, artifact.Disk)), SecureBoot: w.baker.SecureBoot,
	})
}
