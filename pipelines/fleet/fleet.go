// Package fleet holds the flows of many apps: what is outdated (outdated.go),
// what will be done about it (plan.go), doing it (rebuild.go) and how long a
// fix took to reach an image (clock.go). Deciding is internal/update's; this
// package gathers what decisions are made of, once for all apps, and carries
// them out through the flows of one app. Commands construct the Fleet and
// hand it in.
package fleet

import (
	"context"
	"time"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/pipelines"
)

// Fleet is what the flows work with.
type Fleet struct {
	// Kitchen bakes and publishes one app.
	Kitchen pipelines.Kitchen
	// Archive says what the archives have now.
	Archive Archive
	// Now is the clock.
	Now func() time.Time
}

// Archive says what the archives of a release have now.
type Archive interface {
	Now(ctx context.Context, suite, arch string) (*debian.World, error)
}
