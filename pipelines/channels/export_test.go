package channels

import (
	"context"

	"github.com/bakelite/bakelite/internal/registry"
)

// CarryOn carries a plan out on what wrap makes of its store.
func CarryOn(ctx context.Context, f Flow, p Plan, wrap func(registry.Store) registry.Store) error {
	p.store = wrap(p.store)
	return f.Carry(ctx, p)
}

// RecordManifest is the artifact that a bundle is kept as.
var RecordManifest = recordManifest

// MaxRecord and MaxAhead are the limits of what is read of a channel.
const MaxRecord, MaxAhead = maxRecord, maxAhead

// Before chooses what a channel goes back to.
var Before = before
