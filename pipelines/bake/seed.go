package bake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/vouch"
)

// Seeds gives the packages of a lock's first system, which apt and dpkg run in.
type Seeds interface {
	Fetch(ctx context.Context, pins []lock.Pin, show func(debian.Progress)) error
	// SeedLayer writes a layer of them.
	SeedLayer(ctx context.Context, w io.Writer, pins []lock.Pin) error
}

// seedLayout makes the OCI layout of a lock's seed, where none that this state
// folder's key vouches for is there yet, and returns its folder.
func (b Baker) seedLayout(ctx context.Context, l *lock.Lock) (dir string, err error) {
	hash := sha256.New()
	for _, pin := range l.Packages.Seed {
		_, _ = io.WriteString(hash, pin.SHA256)
	}
	dir = filepath.Join(b.State, "seed", hex.EncodeToString(hash.Sum(nil)[:16]))
	done, err := b.Folder.Vouch.Use(ctx, vouch.Layout, filepath.Base(dir), dir)
	if err == nil {
		done() // it is among the newest now, and those stay
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	return dir, progress.Run(ctx, "[seed] make the first system from its packages", func(ctx context.Context, _ io.Writer) error {
		return b.makeSeed(ctx, l, dir)
	})
}

func (b Baker) makeSeed(ctx context.Context, l *lock.Lock, dir string) error {
	if err := b.Seeds.Fetch(ctx, l.Packages.Seed, nil); err != nil {
		return err
	}
	beside, err := cache.New(filepath.Dir(dir), "work-")
	if err != nil {
		return err
	}
	defer beside.Close()
	if err := b.writeSeed(ctx, l, beside.Path); err != nil {
		return err
	}
	if err := b.Folder.Vouch.NoteTree(ctx, vouch.Layout, filepath.Base(dir), beside.Path); err != nil {
		return err
	}
	if err := beside.Rename(dir); err != nil {
		return err
	}
	cache.Trim(filepath.Dir(dir), keptSeeds, "work-")
	return nil
}

// keptSeeds is how many seeds stay; there is one for each state of apt and
// dpkg in the archives.
const keptSeeds = 16

// writeSeed writes the seed of a lock as an OCI layout with one image.
func (b Baker) writeSeed(ctx context.Context, l *lock.Lock, dir string) error {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(b.Seeds.SeedLayer(ctx, writer, l.Packages.Seed)) }()
	digest, err := oci.WriteImage(dir, l.Platform, reader)
	if err != nil {
		return err
	}
	return oci.Name(dir, "seed", digest, l.Platform)
}
