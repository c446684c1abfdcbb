package main

import (
	"context"
	"time"
)

// parentPause is the time between two looks at who the parent is.
const parentPause = 500 * time.Millisecond

// withParent returns a context that ends with ctx and also where the parent
// is no longer the process that it was: the SDK's server waits for a build to
// end even when the Packer that asked for it has died.
func withParent(ctx context.Context, parent func() int) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	first := parent()
	go func() {
		tick := time.NewTicker(parentPause)
		defer tick.Stop()
		for parent() == first {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
		cancel()
	}()
	return ctx, cancel
}
