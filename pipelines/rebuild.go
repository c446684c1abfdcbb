package pipelines

import (
	"context"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

// RebuildOptions say what a rebuild takes and where it goes.
type RebuildOptions struct {
	BuildOptions
	// Keep are versions that packages stay at, by name.
	Keep map[string]string
	// Accept, where set, is shown the new lock before anything is built of it,
	// and can refuse.
	Accept func(fresh *lock.Lock, changes []lock.Change) error
	// Publish, where set, publishes what was built.
	Publish *PublishOptions
}

// Rebuild is the update flow of one app: lock it against the archive as it is
// now, and build, test and publish where anything changed. The new lock takes
// the old one's place last: while it has not passed everything that was asked
// for, the old one stays, and what is published too.
func (k Kitchen) Rebuild(ctx context.Context, a app.App, o RebuildOptions) (*Built, error) {
	if err := k.allowed(a); err != nil {
		return nil, err
	}
	release, err := k.hold(ctx, a.Name)
	if err != nil {
		return nil, err
	}
	defer release()
	old, err := readLock(a)
	if err != nil && fault.KindOf(err) != fault.Invalid {
		return nil, err
	}
	fresh, changes, err := k.relock(ctx, a, old, LockOptions{Rollback: o.Rollback}, o.Keep)
	if err != nil {
		return nil, err
	}
	return k.renew(ctx, a, old, fresh, changes, o)
}

// renew builds and publishes from a fresh lock and writes it last; the caller
// holds the app's place.
func (k Kitchen) renew(ctx context.Context, a app.App, old, fresh *lock.Lock, changes []lock.Change, o RebuildOptions) (*Built, error) {
	if o.Accept != nil {
		if err := o.Accept(fresh, changes); err != nil {
			return nil, err
		}
	}
	built, err := k.build(ctx, a, fresh, o.BuildOptions)
	if err != nil {
		return nil, err
	}
	if old != nil { // of a first lock everything is new
		built.Changes = changes
	}
	if o.Publish != nil {
		if err := k.publishHeld(ctx, a, built, *o.Publish); err != nil {
			return built, err
		}
	}
	if fresh == old {
		return built, nil
	}
	return built, lock.Write(LockPath(a), fresh)
}
