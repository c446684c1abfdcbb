package system

import (
	"io/fs"
	"path"
	"slices"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// searched are the folders in which root's shells and systemd's units look for
// a program by its name, in this order (systemd.exec(5), ExecSearchPath).
func searched() []string {
	return []string{"usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin"}
}

// maxPrograms bounds the programs in one of these folders; all of Debian has
// some 60,000.
const maxPrograms = 200_000

// programs are the names in each of the searched folders, and where it is.
type programs struct {
	places []string
	names  []map[string]bool
}

func programsOf(t *treefs.FS) (p programs, err error) {
	for _, folder := range searched() {
		at, err := t.Resolve(folder)
		if err != nil {
			return p, err
		}
		all := map[string]bool{}
		if dir, err := t.Is(at, fs.ModeDir); err != nil {
			return p, err
		} else if dir {
			names, err := t.Names(at, maxPrograms)
			if err != nil {
				return p, err
			}
			for _, name := range names {
				all[name] = true
			}
		}
		p.places, p.names = append(p.places, at), append(p.names, all)
	}
	return p, nil
}

// first returns the number of the folder in which a name is found, or how many
// there are.
func (p programs) first(name string) int {
	if i := slices.IndexFunc(p.names, func(all map[string]bool) bool { return all[name] }); i >= 0 {
		return i
	}
	return len(p.names)
}

// searched notes what is found now in the place of a program that was there.
func (c *comparison) searched() error {
	now, err := programsOf(c.now)
	if err != nil {
		return err
	}
	was, err := programsOf(c.before)
	if err != nil {
		return err
	}
	for _, names := range was.names {
		for name := range names {
			if i := now.first(name); i < was.first(name) {
				c.add(path.Join(now.places[i], name))
			}
		}
	}
	return nil
}

// Hides says whether a new file or link at a place is found in the place of a
// program of the tree, by those who look for it by its name. What mine names
// does not count.
func Hides(t *treefs.FS, place string, mine func(place string) bool) (bool, error) {
	later := false
	for _, folder := range searched() {
		at, err := t.Resolve(folder)
		if err != nil {
			return false, err
		}
		there := path.Join(at, path.Base(place))
		if there == place {
			later = true
			continue
		}
		info, err := t.Lstat(there)
		if err != nil || later && info != nil && !mine(there) {
			return err == nil, err
		}
	}
	return false, nil
}

// alternatives notes names that dpkg has lead to one of several programs, and
// that lead now to what no package brought.
func (c *comparison) alternatives() error {
	var owned map[string]bool
	for _, name := range c.packages.Alternatives {
		was, err := c.before.Resolve(name)
		if err != nil {
			return err
		}
		now, err := c.now.Resolve(name)
		if err != nil {
			return err
		}
		if info, err := c.now.Lstat(now); err != nil {
			return err
		} else if now == was || info == nil {
			continue
		}
		if owned == nil {
			if owned, err = c.packages.Owned(); err != nil {
				return err
			}
		}
		if !owned[now] {
			c.add(now)
		}
	}
	return nil
}
