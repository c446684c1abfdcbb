// Package upgrade says what of a set of packages is behind the archive, as
// apt-get dist-upgrade would on a system that has them, from catalogs alone:
// nothing is run or unpacked. Where apt would have to choose, between
// alternatives or because packages exclude each other, it does not guess but
// says so: that is for apt's resolver, when the lock is made anew. It is pure;
// flows may import it.
package upgrade

import (
	"cmp"
	"encoding/hex"
	"slices"
	"sync"

	"github.com/bakelite/bakelite/distro/debian/catalog"
	"github.com/bakelite/bakelite/distro/debian/control"
)

// installedPriority is what apt gives a version that is installed and in no
// archive (apt_preferences(5)).
const installedPriority = 100

// Suite is one suite of the archive.
type Suite struct {
	// Priority is what apt gives its packages.
	Priority int
	Packages *catalog.Catalog
}

// World is what the suites have, in the order of preference. It remembers
// what it was asked, and is safe for concurrent use.
type World struct {
	suites []Suite

	mu        sync.Mutex
	names     map[string][]*available
	providers map[string][]*available
	compared  map[string]Result
	essential []string
}

// available is one version of a package in one suite.
type available struct {
	catalog.Package
	// suite is its place among the suites.
	suite int
	// relations are read when they are first asked for.
	relations *relations
}

// New returns a World of the suites; those without a catalog have nothing.
func New(suites []Suite) *World {
	w := &World{suites: suites, names: map[string][]*available{}, providers: map[string][]*available{}, compared: map[string]Result{}}
	seen := map[string]bool{}
	for _, s := range suites {
		for n := range lenOf(s.Packages) {
			if p := s.Packages.Package(n); p.Essential && !seen[p.Name] {
				seen[p.Name] = true
				w.essential = append(w.essential, p.Name)
			}
		}
	}
	slices.Sort(w.essential)
	return w
}

func lenOf(c *catalog.Catalog) int {
	if c == nil {
		return 0
	}
	return c.Len()
}

// versions are a name's, the newest first, and of two that are the same that of
// the suite with the higher priority. The caller holds the lock.
func (w *World) versions(name string) []*available {
	if known, ok := w.names[name]; ok {
		return known
	}
	var all []*available
	for i, s := range w.suites {
		if s.Packages == nil {
			continue
		}
		from, to := s.Packages.Find(name)
		for n := from; n < to; n++ {
			all = append(all, &available{Package: s.Packages.Package(n), suite: i})
		}
	}
	slices.SortStableFunc(all, func(a, b *available) int {
		return cmp.Or(control.Compare(b.Version, a.Version), w.suites[b.suite].Priority-w.suites[a.suite].Priority)
	})
	all = slices.CompactFunc(all, func(a, b *available) bool { return a.Version == b.Version && a.SHA256 == b.SHA256 })
	w.names[name] = all
	return all
}

// candidate is the version that apt would install of a name where installed
// is there, "" for none; nil where the archive has neither that nor a newer
// one.
func (w *World) candidate(name, installed string) *available {
	var best *available
	for _, v := range w.versions(name) {
		priority := w.suites[v.suite].Priority
		if installed != "" && (control.Compare(v.Version, installed) < 0 || priority < installedPriority && v.Version != installed) {
			continue
		}
		if best == nil || priority > w.suites[best.suite].Priority {
			best = v
		}
	}
	return best
}

// hexSHA256 is the digest as locks write it.
func (v *available) hexSHA256() string { return hex.EncodeToString([]byte(v.SHA256)) }

// byName orders changes.
func byName(a, b Change) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.State, b.State))
}
