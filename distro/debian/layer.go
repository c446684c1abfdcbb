package debian

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/distro/debian/content"
	"github.com/bakelite/bakelite/distro/debian/seed"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

// seedLayout is part of a seed's key in the cache and changes when the same
// pins would make another tree.
const seedLayout = "bakelite seed 3"

// SeedLayer writes the seed as a tar stream: the packages' files as they are
// packed (modes, numeric owners, times), merged and sorted by name, with the
// folders and files that a system needs to have before dpkg runs. The same
// pins in any order make the same bytes. The packages must be in the cache
// (Fetch); a damaged or malformed one is a fault.Integrity.
func (c *Client) SeedLayer(ctx context.Context, w io.Writer, pins []lock.Pin) error {
	t, err := c.seedTree(ctx, pins)
	if err != nil {
		return fault.As(fault.Integrity, fmt.Errorf("making the seed: %w", err))
	}
	if err := t.Write(w); err != nil {
		return fault.As(fault.Internal, fmt.Errorf("making the seed: %w", err))
	}
	return nil
}

// Seed is an unpacked seed: programs that run from its folder, unconfigured.
type Seed struct {
	// Dir is the seed's root folder in the cache.
	Dir string
	// Arch is the Debian architecture of its programs.
	Arch string
}

// UnpackSeed unpacks the seed's packages, which must be in the cache (Fetch),
// into the cache, or finds it there. Files belong to the caller and have no
// set-id bits. Errors are those of SeedLayer.
func (c *Client) UnpackSeed(ctx context.Context, pins []lock.Pin) (Seed, error) {
	unpacked := Seed{Arch: seed.ArchOf(pins)}
	var err error
	unpacked.Dir, err = c.store.Seed(ctx, seedKey(pins), func(dir string) error {
		r, w := io.Pipe()
		go func() { w.CloseWithError(c.SeedLayer(ctx, w, pins)) }()
		defer r.Close()
		return seed.Extract(r, dir)
	})
	if err != nil {
		return Seed{}, fault.As(fault.Internal, fmt.Errorf("unpacking the seed: %w", err))
	}
	return unpacked, nil
}

func seedKey(pins []lock.Pin) string {
	lines := []string{}
	for _, pin := range pins {
		lines = append(lines, pin.SHA256)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(seedLayout + "\n" + strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

func (c *Client) seedTree(ctx context.Context, pins []lock.Pin) (seed.Tree, error) {
	pins = slices.Clone(pins)
	sortPins(pins)
	trees := make([]seed.Tree, len(pins))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for i, pin := range pins {
		group.Go(func() (err error) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if trees[i], err = c.readPin(pin); err != nil {
				return fmt.Errorf("reading the package %s %s: %w", pin.Name, pin.Version, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return seed.Assemble(pins, trees)
}

func (c *Client) readPin(pin lock.Pin) (seed.Tree, error) {
	if !c.store.Verified(content.Entry{SHA256: pin.SHA256, Size: pin.Size}) {
		return nil, fault.Hint(fault.New(fault.Integrity, "the cache does not hold it, or held a damaged copy that is now removed"), "Run the command again to download it.")
	}
	f, err := os.Open(c.Deb(pin))
	if err != nil {
		return nil, fault.New(fault.Internal, "reading the cache: %w", err)
	}
	defer f.Close()
	return seed.Read(f, pin.Name)
}
