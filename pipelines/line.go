// Package pipelines has the flows of one app that go from one end to the other,
// out of those of its folders: results is where they leave what they make;
// pin makes the lock; bake the artifacts; release publishes them; look reads
// what was published; examine is how release and look see into it. Those of
// many apps are in fleet. Only these packages know the order of the stages;
// commands construct the receivers and hand them in.
package pipelines

import (
	"context"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/release"
	"github.com/bakelite/bakelite/pipelines/results"
)

// Line is the whole way of an app, from its file to its names in a registry.
type Line struct {
	Baker     bake.Baker
	Publisher release.Publisher
}

// Publish builds an app and publishes what was built. Where publishing fails,
// what was built comes back too.
func (l Line) Publish(ctx context.Context, a app.App, o bake.Options, p release.Options) (*results.Built, error) {
	o.Before = l.foresee(a, o.Targets, p)
	built, err := l.Baker.Build(ctx, a, o)
	if err != nil {
		return nil, err
	}
	return built, l.Publisher.Publish(ctx, a, built, p)
}

// foresee refuses a lock of which nothing could be published.
func (l Line) foresee(a app.App, targets []string, p release.Options) func(context.Context, *lock.Lock) error {
	return func(ctx context.Context, made *lock.Lock) error {
		return l.Publisher.Foresee(ctx, a, made, targets, p)
	}
}

// Rebuild rebuilds an app and, unless p is nil, publishes what was built. The
// new lock takes the old one's place when all of it is done: until then the old
// one stays, and what is published too.
func (l Line) Rebuild(ctx context.Context, a app.App, o bake.RebuildOptions, p *release.Options) (*results.Built, error) {
	if p != nil {
		o.Before = l.foresee(a, o.Targets, *p)
		o.Then = func(ctx context.Context, built *results.Built) error {
			return l.Publisher.PublishHeld(ctx, a, built, *p)
		}
	}
	return l.Baker.Rebuild(ctx, a, o)
}
