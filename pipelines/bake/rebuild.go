package bake

import (
	"context"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/pipelines/results"
)

// RebuildOptions say what a rebuild takes and where it goes.
type RebuildOptions struct {
	Options
	// Keep are versions that packages stay at, by name.
	Keep map[string]string
	// Accept, where set, is shown the new lock before anything is built of it,
	// and can refuse.
	Accept func(fresh *lock.Lock, changes []lock.Change) error
	// Then, where set, is what has to be done with what was built before the
	// new lock counts. The app's place is held meanwhile.
	Then func(ctx context.Context, built *results.Built) error
}

// Rebuild is the update flow of one app: lock it against the archive as it is
// now, and build and test where anything changed. The new lock takes the old
// one's place last: while it has not passed everything that was asked for, the
// old one stays.
func (b Baker) Rebuild(ctx context.Context, a app.App, o RebuildOptions) (*results.Built, error) {
	if err := b.Allowed(a); err != nil {
		return nil, err
	}
	release, err := b.Folder.Hold(ctx, a.Name)
	if err != nil {
		return nil, err
	}
	defer release()
	old, err := pin.Replaced(a)
	if err != nil {
		return nil, err
	}
	fresh, changes, err := b.Relock(ctx, a, old, pin.Options{Rollback: o.Rollback, Keep: o.Keep})
	if err != nil {
		return nil, err
	}
	return b.renew(ctx, a, old, fresh, changes, o)
}

// renew builds from a fresh lock and writes it last; the caller holds the
// app's place.
func (b Baker) renew(ctx context.Context, a app.App, old, fresh *lock.Lock, changes []lock.Change, o RebuildOptions) (*results.Built, error) {
	if o.Accept != nil {
		if err := o.Accept(fresh, changes); err != nil {
			return nil, err
		}
	}
	built, err := b.build(ctx, a, fresh, o.Options)
	if err != nil {
		return nil, err
	}
	if old != nil { // of a first lock everything is new
		built.Changes = changes
	}
	if o.Then != nil {
		if err := o.Then(ctx, built); err != nil {
			return built, err
		}
	}
	if fresh == old {
		return built, nil
	}
	return built, lock.Write(pin.Path(a), fresh)
}
