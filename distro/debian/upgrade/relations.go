package upgrade

import (
	"github.com/bakelite/bakelite/distro/debian/control"
)

type relation = control.Relation

// relations are what one package needs, excludes and provides.
type relations struct {
	needs, excludes, provides [][]relation
	err                       error
}

// relationsOf reads a package's relations once. The caller holds the lock.
func (w *World) relationsOf(v *available) *relations {
	if v.relations != nil {
		return v.relations
	}
	r := &relations{}
	v.relations = r
	for _, field := range []struct {
		text string
		to   *[][]relation
	}{
		{v.PreDepends, &r.needs}, {v.Depends, &r.needs}, {v.Conflicts, &r.excludes}, {v.Breaks, &r.excludes}, {v.Provides, &r.provides},
	} {
		groups, err := control.ParseRelations(field.text)
		if err != nil {
			r.err = err
			continue
		}
		*field.to = append(*field.to, groups...)
	}
	return r
}

// provides says whether a package stands for a relation by what it provides.
// What is provided without a version stands for no relation with one (Debian
// Policy 7.5).
func (w *World) provides(v *available, r relation) bool {
	for _, group := range w.relationsOf(v).provides {
		for _, p := range group {
			if p.Name == r.Name && (r.Op == "" || p.Version != "" && r.Accepts(p.Version)) {
				return true
			}
		}
	}
	return false
}

// satisfied says whether the changed set has what a group asks for.
func (c *comparison) satisfied(group []relation) bool {
	for _, r := range group {
		if v, there := c.after[r.Name]; there && (v == nil || r.Accepts(v.Version)) {
			return true // of what left the archive nothing is known: consistent says so
		}
		for _, v := range c.world.providersOf(r.Name) {
			if c.after[v.Name] == v && c.world.provides(v, r) {
				return true
			}
		}
	}
	return false
}

// provided says whether a package of the set stands for a name.
func (c *comparison) provided(name string) bool { return c.satisfied([]relation{{Name: name}}) }

// providersOf returns all versions that provide a name. The caller holds the
// lock.
func (w *World) providersOf(name string) []*available {
	if known, ok := w.providers[name]; ok {
		return known
	}
	var all []*available
	for _, s := range w.suites {
		if s.Packages == nil {
			continue
		}
		for _, n := range s.Packages.Providers(name) {
			of := s.Packages.Package(n)
			for _, v := range w.versions(of.Name) {
				if v.Version == of.Version && v.SHA256 == of.SHA256 {
					all = append(all, v)
				}
			}
		}
	}
	w.providers[name] = all
	return all
}

// choices are the packages that could be added for a group: for each
// alternative the candidate of that name and those that provide it.
func (c *comparison) choices(group []relation) []*available {
	var all []*available
	add := func(v *available) {
		for _, known := range all {
			if known == v {
				return
			}
		}
		all = append(all, v)
	}
	for _, r := range group {
		if v := c.world.candidate(r.Name, ""); v != nil && r.Accepts(v.Version) {
			add(v)
		}
		for _, v := range c.world.providersOf(r.Name) {
			if c.world.candidate(v.Name, "") == v && c.world.provides(v, r) {
				add(v)
			}
		}
	}
	return all
}

// excluded returns the package of the changed set that a relation of v
// excludes, or "". A package never excludes itself.
func (c *comparison) excluded(v *available, r relation) string {
	if other := c.after[r.Name]; other != nil && other != v && r.Accepts(other.Version) {
		return other.Name
	}
	for _, p := range c.world.providersOf(r.Name) {
		if p != v && c.after[p.Name] == p && c.world.provides(p, r) {
			return p.Name
		}
	}
	return ""
}
