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
	"github.com/bakelite/bakelite/internal/notify"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/scan"
)

// Fleet is what the flows work with.
type Fleet struct {
	Baker  Baker
	Reader Reader
	// Archive says what the archives have now.
	Archive Archive
	// State is the folder that what was found is remembered in; it can be
	// deleted at any time.
	State string
	// Folder is that of results, Destination where apps are published. What
	// earlier runs wrote, there and to State, counts where the folder's key
	// vouches for it.
	Folder      results.Folder
	Destination string
	// Revoked says why an image of a lock is not to be stood on any more; nil
	// asks nobody.
	Revoked func(ctx context.Context, ref, digest string) ([]string, error)
	// Tell takes events, without waiting, to tell others of; nil tells nobody.
	Tell func(notify.Event)
	// Notary states how long fixes took; nil states nothing.
	Notary Notary
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

// Archive says what the archives of a release have now; where rollback says so
// that may be older than what was seen before.
type Archive interface {
	Now(ctx context.Context, suite, arch string, rollback bool) (*debian.World, error)
}

// Baker is what the flows ask of baking one app.
type Baker interface {
	// Drift compares an app with its lock and with what was built.
	Drift(a app.App, l *lock.Lock, o *bake.Options) (bake.Drift, error)
}

// Reader is what the flows ask of what is published.
type Reader interface {
	// Advise says which known vulnerabilities packages have.
	Advise(ctx context.Context, lists []scan.Report) ([]scan.Report, error)
	// Digest is what a reference names now.
	Digest(ctx context.Context, ref string) (string, error)
	// Published are the locks that signers of the policy attested for what the
	// names of an app lead to now, by the kind of artifact.
	Published(ctx context.Context, a app.App) (map[string]look.PublishedLock, error)
}

// names are where an app's image is found: the folder of results, and the
// repository that it is published to.
func (f Fleet) names(name string) []string {
	return []string{app.LayoutPrefix + f.Folder.Layout(name), f.Destination + "/" + name}
}

// Notary states about published images which fixes they brought, and when.
type Notary interface {
	State(ctx context.Context, app string, published []results.Publication, fixes []update.Fix, now time.Time) error
}
