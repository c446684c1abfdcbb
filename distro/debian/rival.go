package debian

import (
	"slices"

	"github.com/bakelite/bakelite/distro/debian/control"
)

// Rivals says whether one of others has a role of a package that the archive
// lets one alone have: both provide a name that the package conflicts with, as
// those do that set the clock (Debian Policy 7.6.2).
func (s *Snapshot) Rivals(name string, others []string) (bool, error) {
	p := s.Package(name)
	if p == nil || slices.Contains(others, name) {
		return false, nil
	}
	roles, err := shared(p.Provides, p.Conflicts)
	if err != nil {
		return false, err
	}
	for _, other := range others {
		if rival := s.Package(other); rival != nil {
			theirs, err := relationNames(rival.Provides)
			if err != nil {
				return false, err
			}
			if slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(theirs, role) }) {
				return true, nil
			}
		}
	}
	return false, nil
}

// shared are the names that two relationship fields have.
func shared(a, b string) ([]string, error) {
	names, err := relationNames(a)
	if err != nil {
		return nil, err
	}
	others, err := relationNames(b)
	return slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(others, name) }), err
}

func relationNames(field string) (names []string, err error) {
	groups, err := control.ParseRelations(field)
	for _, group := range groups {
		for _, relation := range group {
			names = append(names, relation.Name)
		}
	}
	return names, err
}
