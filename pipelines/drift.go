package pipelines

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
)

// Drift says how an app differs from what its lock was made for, and the lock
// from what was built of it.
type Drift struct {
	// Asked says in words what else the app file asks for, "" for nothing.
	Asked string
	// Base is the digest of the base image where it is a local layout that has
	// another image now, else "".
	Base string
	// Files are the app's own files that changed, came or went, sorted.
	Files []string
	// Unbuilt says why the output folder does not hold what the lock means, ""
	// where it does, or where Recipe says why.
	Unbuilt string
	// Recipe is the version of Bakelite that built it, where another one, or
	// another recipe of the same, would build something else; "" otherwise.
	Recipe string
}

// Drift compares an app's files with its lock, and the lock with the receipt.
// Of the targets those are asked for that o names, and without o those that
// were built.
func (k Kitchen) Drift(a app.App, l *lock.Lock, o *BuildOptions) (d Drift, err error) {
	files, err := k.files(a)
	if err != nil {
		return d, err
	}
	reason, err := stale(l, a, k.Platform, files)
	if err != nil {
		return d, err
	}
	if d.Files = differing(l.Files, files); reason != reasonFiles {
		d.Asked = reason
	}
	if _, local := baseLayout(a); local && l.Base != nil && l.Base.Ref == a.Base.Image {
		if digest, err := pinned(a); err == nil && digest != l.Base.Digest {
			d.Base, d.Asked = digest, ""
		}
	}
	return d, k.compareBuilt(&d, a, l, o)
}

// compareBuilt says whether what the lock means is there.
func (k Kitchen) compareBuilt(d *Drift, a app.App, l *lock.Lock, o *BuildOptions) error {
	r, foreign := k.vouched(a.Name)
	switch {
	case foreign:
		d.Unbuilt = "what is here was not built with this state folder"
		return nil
	case r.Key == "":
		d.Unbuilt = "nothing of it was built here"
		return nil
	case r.LockDigest != l.Digest():
		d.Unbuilt = "what is here was built from another lock"
		return nil
	case !r.holds():
		d.Unbuilt = "an artifact is gone from " + filepath.Clean(k.Output)
		return nil
	case o != nil && !r.serves(BuildOptions{Targets: targets(o.Targets), SkipTests: o.SkipTests}):
		d.Unbuilt = "not all that is asked for was built and tested here"
		return nil
	}
	key, err := k.key(a, l)
	if err == nil && key != r.Key {
		d.Recipe = r.Bakelite
	}
	return err
}

// differing lists the paths that are not in both, or not the same.
func differing(before, after []lock.File) []string {
	var paths []string
	for _, pair := range [2][2][]lock.File{{before, after}, {after, before}} {
		for _, f := range pair[0] {
			if !slices.Contains(pair[1], f) {
				paths = append(paths, f.Path)
			}
		}
	}
	slices.SortFunc(paths, strings.Compare)
	return slices.Compact(paths)
}
