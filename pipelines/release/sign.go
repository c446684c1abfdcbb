package release

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/scan/gate"
)

// evidence is everything that is stated about one subject.
type evidence struct {
	app     app.App
	built   *results.Built
	subject subject
	seen    seen
	passed  gate.Passed
	// version is what it is published as, "" for none.
	version string
}

func (p Publisher) signer(ctx context.Context) (attest.Signer, error) {
	return progress.Do(ctx, "[sign] open the key", func(ctx context.Context, _ io.Writer) (attest.Signer, error) { return p.Signer(ctx) })
}

// evidenceOf is what is stated about each subject.
func evidenceOf(a app.App, built *results.Built, subjects []subject, all []seen, passed []gate.Passed, o Options) []evidence {
	var stated []evidence
	for i, s := range subjects {
		stated = append(stated, evidence{a, built, s, all[i], passed[i], o.Version})
	}
	return stated
}

// signAll signs all subjects, with a key that is opened once.
func (p Publisher) signAll(ctx context.Context, all []evidence) ([]attest.Signed, error) {
	signer, err := p.signer(ctx)
	if err != nil {
		return nil, err
	}
	signed := make([]attest.Signed, len(all))
	for i, e := range all {
		if signed[i], err = p.sign(ctx, signer, e); err != nil {
			return nil, fmt.Errorf("signing the %s: %w", e.subject.name, err)
		}
	}
	return signed, nil
}

// sign signs the subject and all evidence of it that does not stand already.
// What comes back was verified as a consumer with the same policy would.
func (p Publisher) sign(ctx context.Context, signer attest.Signer, e evidence) (signed attest.Signed, err error) {
	provenance, err := p.provenance(e)
	if err != nil {
		return signed, err
	}
	attached, err := p.reusable(ctx, e.subject)
	if err != nil {
		return signed, err
	}
	order := attest.Order{
		Passed: e.passed, Attached: attached, Subject: intoto.Subject{Name: e.app.Name, Digest: e.subject.digest(), Files: e.subject.files()},
		Statements: []intoto.Statement{
			intoto.BuildProvenance(provenance), intoto.CycloneDX(e.seen.CycloneDX), intoto.SPDX(e.seen.SPDX), intoto.Scan(e.seen.Report),
			attest.Verdict(e.passed.Verdict()), intoto.TestResults(statedTests(e)), intoto.Lock(*e.built.Lock),
		},
		Want: attest.All{Names: []attest.Name{{App: e.app.Name, Kind: e.subject.kind}}, Verify: p.Policy.Verify, Dir: p.Policy.Dir, TUF: p.TUF, Now: time.Now()},
	}
	return progress.Do(ctx, "[sign] "+e.subject.kind, func(ctx context.Context, _ io.Writer) (attest.Signed, error) {
		return attest.Sign(ctx, order, signer)
	})
}

// files are the files of a disk; an image's blobs are named by its manifest.
func (s subject) files() []intoto.Subject {
	if s.kind != artifact.Disk {
		return nil
	}
	var all []intoto.Subject
	for _, m := range s.made {
		all = append(all, intoto.Subject{Name: filepath.Base(m.Path), Digest: m.Digest})
	}
	return all
}

func (p Publisher) provenance(e evidence) (intoto.Provenance, error) {
	asked, err := app.Marshal(e.app)
	if err != nil {
		return intoto.Provenance{}, fmt.Errorf("writing app: %w", err)
	}
	o := p.Origin
	return intoto.NewProvenance(intoto.Build{
		App: e.app.Name, AppDigest: digests.Of(asked), ArtifactKind: e.subject.kind, Lock: *e.built.Lock, LockDigest: e.built.LockDigest,
		Asked: examine.AskedOf(e.app, e.subject.kind), Trimmed: examine.Trimmed(e.app, *e.built.Lock, e.subject.kind), CacheMounts: e.built.CacheMounts, Release: e.version,
		Source: o.Source, Commit: o.Commit, Builder: o.Builder, Version: e.built.Bakelite, Invocation: o.Invocation,
		Started: e.built.Started, Finished: e.built.Made,
	}), nil
}

func statedTests(e evidence) intoto.Tests {
	t := intoto.Tests{Skipped: e.built.TestsSkipped, Ran: e.built.Made}
	tested := e.built.Tests[e.subject.kind]
	for _, r := range tested.Results {
		t.Results = append(t.Results, intoto.TestResult{Name: r.Name, Passed: r.Passed, Seconds: r.Seconds, Message: r.Detail})
	}
	t.Hardening, t.Booted = intoto.StatedControls(e.seen.hardening), intoto.StatedControls(tested.Booted)
	return t
}
