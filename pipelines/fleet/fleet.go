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
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/pipelines"
	"github.com/bakelite/bakelite/scan"
)

// Fleet is what the flows work with.
type Fleet struct {
	// Kitchen bakes and publishes one app.
	Kitchen Kitchen
	// Archive says what the archives have now.
	Archive Archive
	// State is the folder that what was found is remembered in; it can be
	// deleted at any time. Output is that of results.
	State, Output string
	// Revoked says why an image of a lock is not to be stood on any more; nil
	// asks nobody.
	Revoked func(ctx context.Context, ref, digest string) ([]string, error)
	// Vouch is the key of the state folder: what earlier runs wrote counts where
	// it vouches for it.
	Vouch vouch.Key
	// Version is Bakelite's own.
	Version string
	// Policy is what apps take where their files do not say.
	Policy update.Policy
	// UnknownLimit is how long something may be unknown before that is a
	// failure; 0 is for ever.
	UnknownLimit time.Duration
	// Jobs is how many apps are worked on at once.
	Jobs int
	// Now is the clock.
	Now func() time.Time
}

// Archive says what the archives of a release have now.
type Archive interface {
	Now(ctx context.Context, suite, arch string) (*debian.World, error)
}

// Kitchen is what the flows ask of those of one app.
type Kitchen interface {
	// Drift compares an app with its lock and with what was built.
	Drift(a app.App, l *lock.Lock, o *pipelines.BuildOptions) (pipelines.Drift, error)
	// Advise says which known vulnerabilities packages have.
	Advise(ctx context.Context, lists []scan.Report) ([]scan.Report, error)
	// Digest is what a reference names now.
	Digest(ctx context.Context, ref string) (string, error)
	// Published are the locks that signers of the policy attested for what the
	// names of an app lead to now, by the kind of artifact.
	Published(ctx context.Context, a app.App) (map[string]pipelines.PublishedLock, error)
	// Names are where an app's image is found.
	Names(app string) []string
}
