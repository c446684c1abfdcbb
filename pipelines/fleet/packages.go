package fleet

import (
	"context"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/distro/debian/upgrade"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
)

// world is a release as it is now, and what apps are compared with.
type world struct {
	*debian.World
	compare *upgrade.World
}

func (f Fleet) world(ctx context.Context, suite, arch string, rollback bool) (*world, error) {
	w, err := f.Archive.Now(ctx, suite, arch, rollback)
	if err != nil {
		return nil, err
	}
	var suites []upgrade.Suite
	for _, s := range w.Sources {
		suites = append(suites, upgrade.Suite{Priority: s.Priority, Packages: s.Packages})
	}
	return &world{w, upgrade.New(suites)}, nil
}

// place is where packages of a lock are installed together.
type place struct {
	name   string
	layers [][]lock.Pin
	// system says that it has to have the essential packages.
	system bool
}

func places(l *lock.Lock) []place {
	p := l.Packages
	return []place{
		{update.Container, [][]lock.Pin{p.Base, p.App}, l.Base == nil},
		{update.Disk, [][]lock.Pin{p.Base, p.Machine, p.MachineApp}, l.Base == nil},
		{update.Tools, [][]lock.Pin{p.Seed, p.Tools}, false},
	}
}

// packages says which packages of a lock are behind the archive, and what of
// it only apt's resolver can say.
func (w *world) packages(l *lock.Lock) (changes []update.Change, undecided []string) {
	type key struct{ name, arch, from, to string }
	at := map[key]int{}
	for _, p := range places(l) {
		// Of a base image's own packages the lock says nothing.
		set := upgrade.Set{Whole: l.Base == nil || p.name == update.Tools, System: p.system}
		for _, layer := range p.layers {
			for _, pin := range layer {
				set.Packages = append(set.Packages, upgrade.Installed{Name: pin.Name, Arch: pin.Arch, Version: pin.Version, SHA256: pin.SHA256})
			}
		}
		found := w.compare.Compare(set)
		undecided = append(undecided, found.Undecided...)
		for _, c := range found.Changes {
			k := key{c.Name, c.Arch, c.From, c.To}
			n, known := at[k]
			if !known {
				n = len(changes)
				at[k] = n
				changes = append(changes, w.change(c))
			}
			changes[n].In = append(changes[n].In, p.name)
		}
	}
	update.Sort(changes)
	slices.Sort(undecided)
	return changes, slices.Compact(undecided)
}

func (w *world) change(c upgrade.Change) update.Change {
	out := update.Change{
		Kind: update.Package, Name: c.Name, Arch: c.Arch, From: c.From, To: c.To, State: string(c.State),
		SHA256: c.SHA256, Size: c.Size, Kernel: strings.HasPrefix(c.Name, "linux-image-"),
	}
	if c.Suite >= 0 {
		out.Suite = w.Sources[c.Suite].Archive.Suite
		out.Origin = originOf(out.Suite)
		// What was there at the first look came no later than its index.
		out.Since = w.Sources[c.Suite].Archive.Date
		if first, ok := w.Sources[c.Suite].First(c.Name, c.To); ok {
			out.Since, out.Seen = first.Published, first.Seen
		}
	}
	return out
}

// keepable are the changed packages whose locked version the archive still
// has.
func (w *world) keepable(changes []update.Change) map[string]bool {
	all := map[string]bool{}
	for _, c := range changes {
		for _, s := range w.Sources {
			if s.Packages == nil || c.From == "" {
				continue
			}
			from, to := s.Packages.Find(c.Name)
			for n := from; n < to; n++ {
				all[c.Name] = all[c.Name] || s.Packages.Package(n).Version == c.From
			}
		}
	}
	return all
}

// originOf says why a suite exists, by its name's last part.
func originOf(suite string) update.Origin {
	switch {
	case strings.HasSuffix(suite, "-security"):
		return update.Security
	case strings.HasSuffix(suite, "-updates"):
		return update.Updates
	}
	return update.PointRelease
}
