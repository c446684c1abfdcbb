package pipelines

import (
	"context"

	"github.com/bakelite/bakelite/internal/app"
)

// Rebuild is the update flow of one app: lock it against the archive as it is
// now, and build where anything changed.
func (k Kitchen) Rebuild(ctx context.Context, a app.App, o BuildOptions) (*Built, error) {
	_, changes, err := k.Lock(ctx, a, LockOptions{Rollback: o.Rollback})
	if err != nil {
		return nil, err
	}
	o.Frozen = true // the lock is as new as can be
	built, err := k.Build(ctx, a, o)
	if err != nil {
		return nil, err
	}
	built.Changes = changes
	return built, nil
}
