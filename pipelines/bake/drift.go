package bake

import (
	"path/filepath"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/pipelines/pin"
)

// Drift says how an app differs from what its lock was made for, and the lock
// from what was built of it.
type Drift struct {
	pin.Drift
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
func (b Baker) Drift(a app.App, l *lock.Lock, o *Options) (d Drift, err error) {
	if d.Drift, err = b.Locker.Drift(a, l); err != nil {
		return d, err
	}
	return d, b.compareBuilt(&d, a, l, o)
}

// compareBuilt says whether what the lock means is there.
func (b Baker) compareBuilt(d *Drift, a app.App, l *lock.Lock, o *Options) error {
	r, foreign := b.Folder.Vouched(a.Name)
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
	case !r.Holds():
		d.Unbuilt = "an artifact is gone from " + filepath.Clean(b.Folder.Path)
		return nil
	case o != nil && !r.Serves(targets(o.Targets), o.SkipTests):
		d.Unbuilt = "not all that is asked for was built and tested here"
		return nil
	}
	key, err := b.key(a, l)
	if err == nil && key != r.Key {
		d.Recipe = r.Bakelite
	}
	return err
}
