package pipelines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/database"
	"github.com/bakelite/bakelite/scan/gate"
)

// Publisher is what publishing works with.
type Publisher struct {
	// Scanner reads artifacts in a process of its own.
	Scanner Scanner
	// Database fetches what their packages are compared with.
	Database func(ctx context.Context) (database.Database, error)
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

// PublishOptions narrow a publication.
type PublishOptions struct {
	// Version is a tag that never moves, "" for none.
	Version string
	// ContainerDisk also publishes the disk in the form that KubeVirt boots.
	ContainerDisk bool
}

// Check refuses at once what would be refused after a build.
func (o PublishOptions) Check() error {
	if o.Version == "" {
		return nil
	}
	if o.Version == registry.Tag {
		return fault.Hint(fault.New(fault.Invalid, "the version %s is a name that moves", o.Version), "choose one that stays, such as 1.0.0")
	}
	return publish.CheckTag(o.Version)
}

// Publish is the second half of the forward flow: scan, judge, attest and
// sign, verify, send by digest, and only then move the names. What was
// published before, by the same policy and database, is left as it is; what
// was stated before and stands is not stated again.
func (k Kitchen) Publish(ctx context.Context, a app.App, built *Built, o PublishOptions) (err error) {
	release, err := k.hold(ctx, a.Name)
	if err != nil {
		return err
	}
	defer release()
	return k.publishHeld(ctx, a, built, o)
}

// publishHeld publishes; the caller holds the app's place.
func (k Kitchen) publishHeld(ctx context.Context, a app.App, built *Built, o PublishOptions) (err error) {
	steps := len(k.Progress.Steps())
	built.Published, err = k.publish(ctx, a, built, o)
	built.Steps = append(built.Steps, k.Progress.Steps()[steps:]...)
	return err
}

func (k Kitchen) publish(ctx context.Context, a app.App, built *Built, o PublishOptions) ([]Publication, error) {
	subjects, err := k.subjects(ctx, a, built, o)
	if err != nil {
		return nil, err
	}
	db, err := k.database(ctx)
	if err != nil {
		return nil, err
	}
	key, err := k.publicationKey(ctx, subjects, db, built, o)
	if err != nil {
		return nil, err
	}
	if done, err := k.published(ctx, a.Name, key, subjects); done != nil || err != nil {
		return done, err
	}
	if err := k.versionFree(ctx, subjects, o); err != nil {
		return nil, err
	}
	scanned, err := k.scan(ctx, a, subjects, db)
	if err != nil {
		return nil, err
	}
	if err := k.dateFixes(ctx, subjects, scanned); err != nil {
		return nil, err
	}
	hardening, err := k.hardenedSubjects(ctx, a, subjects)
	if err != nil {
		return nil, err
	}
	l, err := builtLock(a, built)
	if err != nil {
		return nil, err
	}
	passed, err := k.judge(a, l, built, subjects, scanned, hardening)
	if err != nil {
		return nil, err
	}
	signer, err := k.signer(ctx)
	if err != nil {
		return nil, err
	}
	signed := make([]attest.Signed, len(subjects)) // all of them before anything is sent
	for i, s := range subjects {
		if signed[i], err = k.sign(ctx, signer, evidence{a, *l, built, s, scanned[i], hardening[i], passed[i], o.Version}); err != nil {
			return nil, fmt.Errorf("signing the %s: %w", s.name, err)
		}
	}
	all, err := k.sendAll(ctx, subjects, signed, o)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Key, all[i].Verdict, all[i].Judged = key, passed[i].Verdict().Outcome, passed[i].Verdict().Judged
	}
	return all, k.writePublications(a.Name, all)
}

// versionFree refuses what a version could not be given to, before any of it is
// scanned and signed.
func (k Kitchen) versionFree(ctx context.Context, subjects []subject, o PublishOptions) error {
	if o.Version == "" {
		return nil
	}
	for _, s := range subjects {
		store, _, err := registry.Open(s.repository, k.Registry)
		if err == nil {
			err = registry.CheckVersion(ctx, store, o.Version, s.content.Manifest)
		}
		if err != nil {
			return fmt.Errorf("publishing the %s: %w", s.name, err)
		}
	}
	return nil
}

// sendAll sends all subjects before any of them has a name, so that the names
// of an app don't lead to a new image and an old disk for longer than it takes
// to move them, and says what is where.
func (k Kitchen) sendAll(ctx context.Context, subjects []subject, signed []attest.Signed, o PublishOptions) ([]Publication, error) {
	sent := make([]publish.Sent, len(subjects))
	all := make([]Publication, len(subjects))
	for _, step := range []func(i int) error{
		func(i int) (err error) {
			sent[i], err = k.send(ctx, subjects[i], signed[i], o)
			return err
		},
		func(i int) (err error) {
			all[i], err = k.name(ctx, subjects[i], signed[i], sent[i])
			return err
		},
	} {
		for i, s := range subjects {
			if err := step(i); err != nil {
				return nil, fmt.Errorf("publishing the %s: %w", s.name, err)
			}
		}
	}
	return all, nil
}

// send sends one subject with what was signed about it.
func (k Kitchen) send(ctx context.Context, s subject, signed attest.Signed, o PublishOptions) (sent publish.Sent, err error) {
	store, _, err := registry.Open(s.repository, k.Registry)
	if err != nil {
		return sent, err
	}
	if err := room(ctx, store, s, signedAnew(signed)); err != nil {
		return sent, err
	}
	err = k.Progress.Do(ctx, "[publish] "+s.name+" to "+s.repository, func(ctx context.Context, _ io.Writer) (_ bool, err error) {
		sent, err = publish.Send(ctx, store, publish.Publication{Content: s.content, Signed: signed, Version: o.Version, Tags: []string{registry.Tag}})
		return false, err
	})
	return sent, err
}

// name moves the names to one subject that was sent.
func (k Kitchen) name(ctx context.Context, s subject, signed attest.Signed, sent publish.Sent) (Publication, error) {
	p := Publication{Kind: s.kind, Repository: s.repository, Digest: s.digest(), Signer: signed.Signer(), At: time.Now().UTC().Truncate(time.Second)}
	err := k.Progress.Do(ctx, "[publish] name the "+s.name, func(ctx context.Context, _ io.Writer) (bool, error) {
		done, err := sent.Name(ctx)
		p.Ref, p.Tags, p.Uploaded, p.Skipped = done.Ref, done.Tags, done.Uploaded, done.Skipped
		for _, r := range done.Referrers {
			p.Referrers = append(p.Referrers, r.String())
		}
		return false, err
	})
	if err != nil {
		return Publication{}, err
	}
	return p, k.writeBeside(ctx, s, signed)
}

func signedAnew(s attest.Signed) (n int) {
	for _, b := range s.Bundles() {
		if !b.Reused {
			n++
		}
	}
	return n
}

// room refuses to attach more to a digest than anybody reads. What fails here
// fails in sending, and says more there.
func room(ctx context.Context, store registry.Reader, s subject, more int) error {
	there, err := store.Referrers(ctx, s.content.Manifest.Digest)
	if err != nil || len(there)+more <= attest.MaxBundles {
		return nil
	}
	err = fault.New(fault.Policy, "%d statements are attached to %s, and with %d more nobody would read them", len(there), s.digest(), more)
	return fault.Hint(err, "remove from %s the reports and verdicts that the last publication does not list below referrers, such as with: oras manifest delete", s.repository)
}

// judge lets all subjects through the gate, or none.
func (k Kitchen) judge(a app.App, l *lock.Lock, built *Built, subjects []subject, seen []scanned, hardening [][]controls.Result) ([]gate.Passed, error) {
	documents, err := gate.Documents(k.Policy)
	if err != nil {
		return nil, err
	}
	var all []gate.Passed
	var failed []error
	for i, s := range subjects {
		verdict, passed, ok := gate.Judge(gate.Input{
			App: a.Name, ArtifactKind: s.kind, Digest: s.digest(), Report: &seen[i].report,
			Locked: lockedOf(*l, s.kind, trimmed(a, *l, s.kind)),
			Rights: RightsOf(a, s.kind), Alters: a.Alters,
			Hardening: controls.Merge(hardening[i], built.Tests[s.kind].Booted), Tests: testsOf(built, s.kind), VEX: documents, Policy: k.Policy, Now: time.Now(),
		})
		if err := k.writeVerdict(a, s, verdict, seen[i]); err != nil {
			return nil, err
		}
		if !ok {
			failed = append(failed, fmt.Errorf("%w\n  all of it is listed in %s%s", verdict.Err(), k.judgedPath(a, s, "verdict"), seen[i].doubt()))
		}
		all = append(all, passed)
	}
	return all, errors.Join(failed...)
}

// judgedPath is where a subject's report or verdict is kept.
func (k Kitchen) judgedPath(a app.App, s subject, what string) string {
	return filepath.Join(k.Output, a.Name+"."+s.name+"."+what+".json")
}
