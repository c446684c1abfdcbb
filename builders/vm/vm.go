// Package vm makes the bootable disk of an app. Its parts (kernel and initrd,
// /usr, /, /var) are made by the engine from the root filesystem; the disk
// itself is a pure function of the parts and is put together here, without
// root rights, mounts or loop devices.
package vm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/disk/uki"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/templates"
)

const (
	// keptParts is how many parts stay for the next builds; each is a file of
	// some 10 to 100 MB.
	keptParts = 48
	// workPrefix begins the names of unfinished ones.
	workPrefix = "work-"
)

// Order says what to make, what with and where to.
type Order struct {
	Graph   rootfs.Graph
	Session engine.Session
	// Parts is a cache of parts by what they are made from. What is there
	// already counts where Vouch does so.
	Parts string
	Vouch vouch.Key
	// Output is the folder that receives the disk files.
	Output string
	// KernelArguments are added to the command line.
	KernelArguments []string
	// SecureBoot signs the disk's EFI program; nil leaves it unsigned.
	SecureBoot *uki.Signer
}

// build makes the disk in each format of the app.
func (o Order) build(ctx context.Context) ([]artifact.Artifact, error) {
	work, err := cache.New(o.Parts, workPrefix)
	if err != nil {
		return nil, err
	}
	defer work.Close()
	all, err := graph(ctx, o.Graph, unused{})
	if err != nil {
		return nil, err
	}
	dirs := map[string]string{}
	for _, p := range pieces(o.Graph) {
		dirs[p.name] = filepath.Join(work.Path, p.name)
		if p.pinned {
			if dirs[p.name], err = o.cachePath(ctx, p, all); err != nil {
				return nil, err
			}
		}
	}
	group, groupCtx := errgroup.WithContext(ctx)
	held := make([]func(), len(pieces(o.Graph)))
	defer func() {
		for _, done := range held {
			if done != nil {
				done()
			}
		}
		cache.Trim(o.Parts, keptParts, workPrefix)
	}()
	for i, p := range pieces(o.Graph) {
		group.Go(func() (err error) {
			held[i], err = o.make(groupCtx, p, all, dirs[p.name])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return o.assemble(ctx, dirs)
}

// piece is one part; a pinned one depends on locked packages alone, so that
// its graph names its content.
type piece struct {
	name   string
	pinned bool
	state  func(parts) llb.State
	// finish, where set, ends the part once the engine has handed it over.
	finish func(dir string) error
}

func pieces(g rootfs.Graph) []piece {
	return []piece{
		{"root", false, func(p parts) llb.State { return p.Root }, nil},
		{"var", !g.Owns("var"), func(p parts) llb.State { return p.Var }, unpackVar},
		{"usr", !g.Owns("usr"), func(p parts) llb.State { return p.Usr }, nil},
		{"kernel", true, func(p parts) llb.State { return p.Kernel }, nil},
	}
}

// cachePath names a pinned part by its graph.
func (o Order) cachePath(ctx context.Context, p piece, all parts) (string, error) {
	definition, err := p.state(all).Marshal(ctx)
	if err != nil {
		return "", fmt.Errorf("writing graph of %s: %w", p.name, err)
	}
	hash := sha256.New()
	for _, op := range definition.Def {
		hash.Write(op)
	}
	return filepath.Join(o.Parts, p.name+"-"+hex.EncodeToString(hash.Sum(nil)[:16])), nil
}

// make solves one part into dir, unless it is there as it was made; the name
// comes last. The part stays until done is called.
func (o Order) make(ctx context.Context, p piece, all parts, dir string) (done func(), err error) {
	name := filepath.Base(dir)
	if done, err := o.Vouch.Use(ctx, vouch.Part, name, dir); !errors.Is(err, fs.ErrNotExist) {
		return done, err
	}
	beside, err := cache.New(o.Parts, workPrefix)
	if err != nil {
		return nil, err
	}
	defer beside.Close()
	_, err = o.Session.Solve(ctx, engine.Job{
		Graph: func(ctx context.Context, b engine.Dockerfiles) (llb.State, error) {
			if o.Graph.App.Base.Dockerfile == "" {
				return p.state(all), nil
			}
			built, err := graph(ctx, o.Graph, b)
			return p.state(built), err
		},
		Name: p.name + " of the disk", Dir: beside.Path,
	})
	if err != nil {
		return nil, fmt.Errorf("making %s of the disk: %w", p.name, err)
	}
	if p.finish != nil {
		if err := p.finish(beside.Path); err != nil {
			return nil, err
		}
	}
	if p.pinned {
		if err := o.Vouch.NoteTree(ctx, vouch.Part, name, beside.Path); err != nil {
			return nil, err
		}
	}
	if err := beside.Rename(dir); err != nil {
		return nil, fmt.Errorf("keeping %s of the disk: %w", p.name, err)
	}
	return cache.Use(dir)
}

// cmdline are the words of the kernel's command line without the root hashes.
// The host name counts until the network gives another.
func (o Order) cmdline() []string {
	return slices.Concat(templates.Lines("machine/kernel-arguments.txt"), []string{"systemd.hostname=" + o.Graph.App.Name}, o.KernelArguments)
}

// unused stands in where a graph with a Dockerfile is never asked for.
type unused struct{}

func (unused) Dockerfile(context.Context, string, string, llb.State, []string) (llb.State, error) {
	return llb.Scratch(), nil
}
