package flowtest

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/internal/lock"
)

// Archive is a package archive with real signed indexes, of which apt is
// played: every package that is named is there, in one version.
type Archive struct {
	*Ports
	Version string
	indexes *debian.Client
}

// NewArchive makes one whose main index was released some time later than the
// one that Lock is of.
func NewArchive(t *testing.T, p *Ports, version string, later time.Duration) Archive {
	t.Helper()
	real := archivetest.New(t)
	real.Publish("trixie", archivetest.Released().Add(later))
	return Archive{p, version, real.Client(t.TempDir(), func() time.Time { return archivetest.Released().Add(24 * time.Hour) })}
}

// Current verifies the indexes.
func (a Archive) Current(ctx context.Context, suite, arch string, since debian.Since) (*debian.Snapshot, error) {
	if err := a.Ask("index"); err != nil {
		return nil, err
	}
	return a.indexes.Current(ctx, suite, arch, since)
}

// PrepareSeed unpacks nothing.
func (a Archive) PrepareSeed(context.Context, *debian.Snapshot) ([]lock.Pin, debian.Seed, error) {
	return nil, debian.Seed{}, a.Ask("seed")
}

// Resolve takes each package that is named, and what is kept at its version.
func (a Archive) Resolve(_ context.Context, _ *debian.Snapshot, _ debian.Seed, installed debian.Installed, names []string) (pins []lock.Pin, err error) {
	for _, name := range names {
		version, kept := installed.Keep[name]
		if !kept {
			version = a.Version
		}
		pins = append(pins, Pin(name, version))
	}
	if a.Fails == "resolver" {
		return nil, errOutOfOrder("resolver")
	}
	return pins, nil
}

// Fetch has everything.
func (a Archive) Fetch(context.Context, []lock.Pin, func(debian.Progress)) error {
	return a.Ask("packages of the seed")
}

// SeedLayer writes an empty tar.
func (a Archive) SeedLayer(_ context.Context, w io.Writer, _ []lock.Pin) error {
	_, err := w.Write(make([]byte, 1024))
	return err
}
