package debian

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/distro/debian/control"
	"github.com/bakelite/bakelite/distro/debian/index"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

// seedRoots are the packages that bring apt-get, dpkg, tar, chroot, the shell
// and the programs that dpkg looks for before it works: diff and ldconfig
// among them. Nothing in the seed is configured, so it needs no more.
func seedRoots() []string {
	return []string{
		"apt", "base-files", "coreutils", "dash", "diffutils", "dpkg",
		"findutils", "grep", "gzip", "libc-bin", "sed", "tar",
	}
}

type prepared struct {
	pins []lock.Pin
	seed Seed
}

// PrepareSeed chooses a snapshot's seed, fetches it and unpacks it into the
// cache; errors are those of SeedPins, Fetch and UnpackSeed.
func (c *Client) PrepareSeed(ctx context.Context, s *Snapshot) ([]lock.Pin, Seed, error) {
	p, err := c.seeds.Do(ctx, s.key(), func() (p prepared, err error) {
		if p.pins, err = SeedPins(s); err != nil {
			return p, err
		}
		if err = c.Fetch(ctx, p.pins, nil); err != nil {
			return p, err
		}
		p.seed, err = c.UnpackSeed(ctx, p.pins)
		return p, err
	})
	return slices.Clone(p.pins), p.seed, err
}

// SeedPins returns the seed: the roots above and what they depend on, by
// the first alternative that the snapshot can satisfy, sorted by name. A
// dependency that nothing satisfies is a fault.Integrity, for a signed
// archive always has them.
func SeedPins(s *Snapshot) ([]lock.Pin, error) {
	chosen := map[string]*index.Package{}
	var queue []*index.Package
	add := func(p *index.Package) {
		if chosen[p.Name] == nil {
			chosen[p.Name] = p
			queue = append(queue, p)
		}
	}
	for _, name := range seedRoots() {
		p := s.Package(name)
		if p == nil {
			return nil, fault.New(fault.Integrity, "choosing the seed: the archive has no package %q", name)
		}
		add(p)
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if err := s.eachDependency(p, chosen, add); err != nil {
			return nil, fault.New(fault.Integrity, "choosing the seed: %w", err)
		}
	}
	pins := make([]lock.Pin, 0, len(chosen))
	for _, p := range chosen {
		pins = append(pins, p.Pin)
	}
	sortPins(pins)
	return pins, nil
}

func (s *Snapshot) eachDependency(p *index.Package, chosen map[string]*index.Package, add func(*index.Package)) error {
	groups, err := control.ParseRelations(p.PreDepends + "," + p.Depends)
	if err != nil {
		return fmt.Errorf("package %s: %w", p.Name, err)
	}
	for _, group := range groups {
		found := s.satisfy(group, chosen)
		if found == nil {
			return fmt.Errorf("package %s depends on %s, which nothing satisfies", p.Name, group[0].Name)
		}
		add(found)
	}
	return nil
}

// satisfy returns the package for a group of alternatives: one that is chosen
// already, else the first that exists by name, else a provider.
func (s *Snapshot) satisfy(group []control.Relation, chosen map[string]*index.Package) *index.Package {
	for _, r := range group {
		if p := chosen[r.Name]; p != nil && r.Accepts(p.Version) {
			return p
		}
	}
	for _, r := range group {
		for _, p := range s.index.ByName[r.Name] {
			if chosen[r.Name] == nil && r.Accepts(p.Version) {
				return p
			}
		}
		if p := s.provider(r, chosen); p != nil {
			return p
		}
	}
	return nil
}

// provider returns the chosen provider of r, else the newest version of the
// one that the distribution ranks highest, and of several the first by name.
// An unversioned Provides satisfies no versioned relation
// (Debian Policy 7.5).
func (s *Snapshot) provider(r control.Relation, chosen map[string]*index.Package) *index.Package {
	var best *index.Package
	for _, p := range s.index.Providers[r.Name] {
		if !provides(p, r) || s.index.ByName[p.Name][0] != p {
			continue
		}
		if chosen[p.Name] == p {
			return p
		}
		if chosen[p.Name] == nil && (best == nil || preferred(p, best)) {
			best = p
		}
	}
	return best
}

func preferred(a, b *index.Package) bool {
	order := []string{"required", "important", "standard"}
	rank := func(p *index.Package) int {
		if i := slices.Index(order, p.Priority); i >= 0 {
			return i
		}
		return len(order)
	}
	return cmp.Or(rank(a)-rank(b), strings.Compare(a.Name, b.Name)) < 0
}

func provides(p *index.Package, r control.Relation) bool {
	groups, err := control.ParseRelations(p.Provides)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(groups, func(group []control.Relation) bool {
		g := group[0]
		return g.Name == r.Name && (r.Op == "" || g.Version != "" && r.Accepts(g.Version))
	})
}

func sortPins(pins []lock.Pin) {
	slices.SortFunc(pins, func(a, b lock.Pin) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch), strings.Compare(a.Version, b.Version))
	})
}
