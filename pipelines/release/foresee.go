package release

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/registry"
)

// Foresee refuses, before anything is built of a lock, a version that is
// another image already: an image names its lock, so that one that names
// another, or none, has other content whatever is built. Where the lock is the
// same the content tells, once it is there.
func (p Publisher) Foresee(ctx context.Context, a app.App, l *lock.Lock, targets []string, o Options) error {
	if o.Version == "" || len(targets) > 0 && !slices.Contains(targets, artifact.Container) {
		return nil
	}
	store, _, err := registry.Open(p.repository(a, ""), p.Registry)
	if err != nil {
		return err
	}
	have, err := store.Manifest(ctx, o.Version)
	if errors.Is(err, registry.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for version %s: %w", o.Version, err)
	}
	shape, err := have.Shape()
	if err != nil {
		return fmt.Errorf("looking for version %s: %w", o.Version, err)
	}
	if shape.Annotations[lock.Annotation] == l.Digest() {
		return nil
	}
	return fault.Hint(
		fault.New(fault.Policy, "%s: version %s is %s already, which was made from another lock, and never becomes what this one gives", store.Name(), o.Version, have.Digest),
		"publish what changed under a new version; nothing was built")
}
