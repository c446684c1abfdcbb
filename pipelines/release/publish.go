// Package release is the flow that publishes what was built: scan, judge,
// attest and sign, verify, send by digest, and only then move the names. Each
// step is a page of its own; publish.go has their order.
package release

import (
	"context"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/sigstore"
)

// Publisher publishes what was built.
type Publisher struct {
	Folder results.Folder
	// State is the folder of caches.
	State string
	// Policy decides what is published, and by whose signatures.
	Policy   policy.Policy
	Examiner examine.Examiner
	// Signer returns who signs; it is asked only when something passed.
	Signer func(ctx context.Context) (attest.Signer, error)
	// SignerName tells one way to sign from another: by a key, or keyless by
	// which services. Which key it was a publication says.
	SignerName string
	// Destination is a registry's host and path, or "oci:" and a folder, below
	// which each artifact has a repository.
	Destination string
	// Origin goes into provenance.
	Origin Origin
	// Registry says how registries are reached, TUF where the public
	// Sigstore's trusted root comes from.
	Registry registry.Options
	TUF      sigstore.TUF
}

// Origin is who builds, and from where.
type Origin struct {
	// Builder is the URI that consumers know the builder by.
	Builder string
	// Source is the repository of the app file, Commit its full hash; empty
	// where there is none.
	Source, Commit string
	// Invocation names the run, "" for none.
	Invocation string
}

// Options narrow a publication.
type Options struct {
	// Version is a tag that never moves, "" for none.
	Version string
	// ContainerDisk also publishes the disk in the form that KubeVirt boots.
	ContainerDisk bool
}

// Check refuses at once what would be refused after a build.
func (o Options) Check() error {
	if o.Version == "" {
		return nil
	}
	if o.Version == registry.Tag {
		return fault.Hint(fault.New(fault.Invalid, "the version %s is a name that moves", o.Version), "choose one that stays, such as 1.0.0")
	}
	return publish.CheckTag(o.Version)
}

// Publish publishes what was built of an app. What was published before, by
// the same policy and database, is left as it is; what was stated before and
// may be used again is not stated anew.
func (p Publisher) Publish(ctx context.Context, a app.App, built *results.Built, o Options) error {
	release, err := p.Folder.Hold(ctx, a.Name)
	if err != nil {
		return err
	}
	defer release()
	return p.PublishHeld(ctx, a, built, o)
}

// PublishHeld is Publish for a caller that holds the app's place.
func (p Publisher) PublishHeld(ctx context.Context, a app.App, built *results.Built, o Options) error {
	shown := progress.From(ctx)
	steps := len(shown.Steps())
	built.Published, built.Again = nil, false
	err := p.publish(ctx, a, built, o)
	built.Steps = append(built.Steps, shown.Steps()[steps:]...)
	return err
}

func (p Publisher) publish(ctx context.Context, a app.App, built *results.Built, o Options) error {
	subjects, err := p.subjects(ctx, a, built, o)
	if err != nil {
		return err
	}
	db, err := p.Examiner.Database(ctx)
	if err != nil {
		return err
	}
	key, err := p.key(ctx, subjects, db, built, o)
	if err != nil {
		return err
	}
	if built.Published, err = p.published(ctx, a.Name, key, subjects); built.Published != nil || err != nil {
		built.Again = err == nil
		return err
	}
	if err := p.versionFree(ctx, subjects, o); err != nil {
		return err
	}
	seen, err := p.examine(ctx, a, subjects, db)
	if err != nil {
		return err
	}
	passed, err := p.judge(a, built, subjects, seen)
	if err != nil {
		return err
	}
	signed, err := p.signAll(ctx, evidenceOf(a, built, subjects, seen, passed, o))
	if err != nil {
		return err
	}
	all, err := p.sendAll(ctx, subjects, signed, o)
	if err != nil {
		return err
	}
	for i := range all {
		all[i].Key, all[i].Verdict, all[i].Judged = key, passed[i].Verdict().Outcome, passed[i].Verdict().Judged
	}
	built.Published = all
	return p.Folder.WritePublications(a.Name, all)
}
