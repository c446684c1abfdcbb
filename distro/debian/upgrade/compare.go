package upgrade

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// Installed is one package of the set that is compared.
type Installed struct {
	Name, Arch, Version string
	// SHA256 is the digest of its file, as 64 hexadecimal digits; "" where it
	// is not known.
	SHA256 string
}

// State is how a package of the archive differs from the set's.
type State string

// The states.
const (
	// Newer: the archive has a newer version.
	Newer State = "newer"
	// Content: the archive has the same version with other content.
	Content State = "content"
	// Added: something newer needs it, or every system now does.
	Added State = "added"
	// Older: the archive has only an older version.
	Older State = "older"
	// Gone: the archive has no version.
	Gone State = "gone"
)

// Change is one package that differs.
type Change struct {
	Name, Arch, From, To string
	State                State
	// Suite is the place of To's suite; -1 where there is no To.
	Suite int
	// SHA256 and Size are those of To's file.
	SHA256 string
	Size   int64
}

// Result is what is behind in one set.
type Result struct {
	// Changes are sorted by name.
	Changes []Change
	// Undecided says why apt might take other versions than the changes say,
	// or none of them; empty where it takes all of them.
	Undecided []string
}

// Set is what is compared.
type Set struct {
	Packages []Installed
	// Whole says that nothing else is installed, so that what a package needs
	// must be in the set.
	Whole bool
	// System says that the set has to have the essential packages.
	System bool
}

// Compare says what of a set is behind.
func (w *World) Compare(s Set) Result {
	key := s.key()
	w.mu.Lock()
	defer w.mu.Unlock()
	if known, ok := w.compared[key]; ok {
		return known
	}
	c := &comparison{world: w, set: s, after: map[string]*available{}}
	for _, p := range s.Packages {
		c.judge(p)
	}
	c.settle()
	slices.SortFunc(c.changes, byName)
	slices.Sort(c.undecided)
	result := Result{Changes: c.changes, Undecided: slices.Compact(c.undecided)}
	w.compared[key] = result
	return result
}

func (s Set) key() string {
	sum := sha256.New()
	fmt.Fprintln(sum, s.Whole, s.System)
	var line []byte
	for _, p := range s.Packages {
		line = append(line[:0], p.Name...)
		for _, part := range []string{p.Arch, p.Version, p.SHA256} {
			line = append(append(line, ' '), part...)
		}
		sum.Write(append(line, '\n'))
	}
	return string(sum.Sum(nil))
}

// comparison is one set at work.
type comparison struct {
	world *World
	set   Set
	// after is what the set has once all changes are made; nil stands for a
	// package that the archive does not have.
	after map[string]*available
	// fresh are the packages of it whose relations the set was not made for.
	fresh     []*available
	changes   []Change
	undecided []string
}

// judge compares one package.
func (c *comparison) judge(p Installed) {
	best := c.world.candidate(p.Name, p.Version)
	switch {
	case best == nil:
		c.after[p.Name] = nil
		c.missing(p)
	case best.Version == p.Version && c.world.has(p):
		c.after[p.Name] = best
	case best.Version == p.Version:
		c.take(best, change(p, best, Content))
	default:
		c.take(best, change(p, best, Newer))
	}
}

// has says whether a suite has the very file, as far as the digest is known.
func (w *World) has(p Installed) bool {
	return p.SHA256 == "" || slices.ContainsFunc(w.versions(p.Name), func(v *available) bool {
		return v.Version == p.Version && v.hexSHA256() == p.SHA256
	})
}

// missing notes a package that the archive has no version of, or only older
// ones.
func (c *comparison) missing(p Installed) {
	older := c.world.candidate(p.Name, "")
	if older == nil {
		c.changes = append(c.changes, Change{Name: p.Name, Arch: p.Arch, From: p.Version, State: Gone, Suite: -1})
		return
	}
	c.changes = append(c.changes, change(p, older, Older))
}

func (c *comparison) take(v *available, ch Change) {
	c.after[v.Name] = v
	c.fresh = append(c.fresh, v)
	c.changes = append(c.changes, ch)
}

func change(p Installed, v *available, state State) Change {
	return Change{
		Name: p.Name, Arch: v.Arch, From: p.Version, To: v.Version, State: state, Suite: v.suite,
		SHA256: v.hexSHA256(), Size: v.Size,
	}
}

func (c *comparison) doubt(format string, args ...any) {
	c.undecided = append(c.undecided, fmt.Sprintf(format, args...))
}

// settle adds what the changed set needs, and says where apt has a choice.
func (c *comparison) settle() {
	if c.set.System {
		for _, name := range c.world.essential {
			c.need(name)
		}
	}
	if !c.set.Whole {
		return
	}
	for n := 0; n < len(c.fresh); n++ {
		c.complete(c.fresh[n])
	}
	c.consistent()
}

// need adds an essential package that the set lacks.
func (c *comparison) need(name string) {
	if _, there := c.after[name]; there || c.provided(name) {
		return
	}
	if v := c.world.candidate(name, ""); v != nil && v.Essential {
		c.add(v)
	}
}

func (c *comparison) add(v *available) {
	c.take(v, change(Installed{Name: v.Name}, v, Added))
}

// complete adds what a package needs that the set lacks.
func (c *comparison) complete(v *available) {
	r := c.world.relationsOf(v)
	if r.err != nil {
		c.doubt("%s %s: %v", v.Name, v.Version, r.err)
	}
	for _, group := range r.needs {
		if c.satisfied(group) {
			continue
		}
		choices := c.choices(group)
		if len(choices) == 0 {
			c.doubt("%s %s needs %s, which the archive does not have", v.Name, v.Version, written(group))
			continue
		}
		if len(choices) > 1 {
			c.doubt("%s %s needs %s: apt chooses", v.Name, v.Version, written(group))
		}
		if old, there := c.after[choices[0].Name]; there && old != choices[0] {
			continue // a version that apt does not prefer: consistent says so
		}
		c.add(choices[0])
	}
}

// consistent says what of the changed set does not hold together.
func (c *comparison) consistent() {
	for name, v := range c.after {
		if v == nil {
			c.doubt("%s is no longer in the archive, so what it needs is not known", name)
			continue
		}
		r := c.world.relationsOf(v)
		for _, group := range r.needs {
			if !c.satisfied(group) {
				c.doubt("%s %s needs %s", v.Name, v.Version, written(group))
			}
		}
		for _, group := range r.excludes {
			if with := c.excluded(v, group[0]); with != "" {
				c.doubt("%s %s and %s exclude each other", v.Name, v.Version, with)
			}
		}
	}
}

func written(group []relation) string {
	var all []string
	for _, r := range group {
		text := r.Name
		if r.Op != "" {
			text += " (" + r.Op + " " + r.Version + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, " | ")
}
