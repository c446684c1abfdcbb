package lock

import (
	"cmp"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/artifact"
)

// Holds returns what the lock installs in an artifact of a kind, sorted by
// name and architecture. Of a package that a layer replaces the newer one
// counts. Sources are filled.
func (l *Lock) Holds(kind string) []Installed {
	p := l.Packages
	layers := [][]Pin{p.Base, p.App}
	if kind == artifact.Disk {
		layers = [][]Pin{p.Base, p.Machine, p.MachineApp}
	}
	newer := map[string][]string{} // architectures by name
	var all []Installed
	for _, layer := range slices.Backward(layers) {
		for _, pin := range layer {
			all = append(all, Installed{pin.Name, pin.Version, pin.Arch, pin.Source, pin.SourceVersion}.filled())
			newer[pin.Name] = append(newer[pin.Name], pin.Arch)
		}
	}
	for _, i := range p.Image {
		if !slices.ContainsFunc(newer[i.Name], func(arch string) bool { return replaces(arch, i.Arch) }) {
			all = append(all, i.filled())
		}
	}
	slices.SortStableFunc(all, func(a, b Installed) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch))
	})
	return slices.CompactFunc(all, func(a, b Installed) bool { return a.Name == b.Name && a.Arch == b.Arch })
}

// replaces says whether dpkg takes a package of one architecture for another
// version of what is installed for the other one: "all" goes with each.
func replaces(arch, installed string) bool {
	return arch == installed || arch == "all" || installed == "all"
}

func (i Installed) filled() Installed {
	i.Source, i.SourceVersion = cmp.Or(i.Source, i.Name), cmp.Or(i.SourceVersion, i.Version)
	return i
}
