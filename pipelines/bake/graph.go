package bake

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/pipelines/pin"
)

// graph describes the app's root filesystem and what of this machine it reads.
func (b Baker) graph(ctx context.Context, a app.App, l *lock.Lock) (rootfs.Graph, engine.Session, error) {
	for _, archive := range l.Archives {
		if len(b.Mirrors[archive.Name]) == 0 {
			return rootfs.Graph{}, engine.Session{}, fault.Hint(fault.New(fault.Missing, "no mirror is known for the archive %q", archive.Name),
				"set mirrors.%s to the base URL of a mirror", archive.Name)
		}
	}
	seed, err := b.seedLayout(ctx, l)
	if err != nil {
		return rootfs.Graph{}, engine.Session{}, err
	}
	digest, err := oci.Only(seed)
	if err != nil {
		return rootfs.Graph{}, engine.Session{}, err
	}
	tree, treeDigest, err := b.programLayout(ctx)
	if err != nil {
		return rootfs.Graph{}, engine.Session{}, err
	}
	program, err := b.Service()
	if err != nil {
		return rootfs.Graph{}, engine.Session{}, err
	}
	session := engine.Session{
		Progress: progress.From(ctx),
		Locals:   map[string]string{rootfs.AppFolder: a.Dir, rootfs.Context: a.Dir},
		Unseen:   b.Excluded.Unseen(a),
		Layouts:  map[string]string{rootfs.SeedLayout: seed, rootfs.ProgramLayout: tree},
		Caches:   engine.NewCaches(a.Name, l.Digest()),
	}
	maps.Copy(session.Layouts, pin.Layouts(a))
	if l.Base != nil || a.Base.Dockerfile != "" {
		session.Judge = b.JudgeLocked(l)
	}
	return rootfs.Graph{
		App: a, Lock: l, Service: program,
		Controls: map[string]json.RawMessage{artifact.Container: b.Hardening.Applied(a, artifact.Container), artifact.Disk: b.Hardening.Applied(a, artifact.Disk)},
		Sources: rootfs.Sources{
			Mirror:  func(archive string) string { return b.Mirrors[archive][0] },
			Seed:    rootfs.SeedLayout + "/image@" + digest,
			Program: rootfs.ProgramLayout + "/image@" + treeDigest,
		},
	}, session, nil
}
