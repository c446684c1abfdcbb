// Package retry attempts again what may succeed later, after waits that grow
// and differ, so that those whom one outage stopped do not all come back at
// once.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Plan says how often something is attempted.
type Plan struct {
	// Attempts is how often, at least once.
	Attempts int
	// First is the mean wait after the first failure. It doubles each time, up
	// to Max.
	First, Max time.Duration
}

// Do makes attempts until one succeeds, again refuses its error, there were
// enough, or the context ends; it returns the last error. Of an error that may
// pass again says how long to wait at least, 0 for as long as planned.
func (p Plan) Do(ctx context.Context, attempt func(context.Context) error, again func(error) (least time.Duration, may bool)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	mean := p.First
	for n := 1; ; n++ {
		err := attempt(ctx)
		if err == nil || n >= p.Attempts || ctx.Err() != nil {
			return err
		}
		least, may := again(err)
		if !may {
			return err
		}
		if err := Wait(ctx, max(Jitter(mean), least)); err != nil {
			return err
		}
		mean = min(2*mean, p.Max)
	}
}

// Jitter returns half to one and a half times a mean.
func Jitter(mean time.Duration) time.Duration { return mean/2 + rand.N(mean+1) }

// Wait sleeps, or returns the context's error as soon as it ends.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
