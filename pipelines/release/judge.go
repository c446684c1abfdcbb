package release

import (
	"errors"
	"fmt"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
)

// judge lets all subjects through the gate, or none.
func (p Publisher) judge(a app.App, built *results.Built, subjects []subject, all []seen) ([]gate.Passed, error) {
	l, err := builtLock(a, built)
	if err != nil {
		return nil, err
	}
	documents, err := gate.Documents(p.Policy)
	if err != nil {
		return nil, err
	}
	var letThrough []gate.Passed
	var failed []error
	for i, s := range subjects {
		verdict, passed, ok := gate.Judge(gate.Input{
			App: a.Name, ArtifactKind: s.kind, Digest: s.digest(), Report: &all[i].Report,
			Locked:    examine.LockedOf(*l, s.kind, examine.Trimmed(a, *l, s.kind)),
			Asked:     examine.AskedOf(a, s.kind),
			Hardening: controls.Merge(all[i].hardening, built.Tests[s.kind].Booted), Tests: testsOf(built, s.kind), VEX: documents, Policy: p.Policy, Now: time.Now(),
		})
		if err := p.writeVerdict(built, s, verdict, all[i]); err != nil {
			return nil, err
		}
		if !ok {
			failed = append(failed, fmt.Errorf("%w\n  all of it is listed in %s%s", verdict.Err(), p.Folder.JudgedPath(a.Name, s.name, "verdict"), all[i].doubt()))
		}
		letThrough = append(letThrough, passed)
	}
	return letThrough, errors.Join(failed...)
}

// writeVerdict keeps what the scanner saw and the gate said, for study.
func (p Publisher) writeVerdict(built *results.Built, s subject, v gate.Verdict, saw seen) error {
	if err := p.Folder.WriteJudged(built.Receipt, s.name, results.Judged{Report: saw.Report, Verdict: v}); err != nil {
		return err
	}
	return results.WriteFile(p.Folder.JudgedPath(v.App, s.name, "cdx"), saw.CycloneDX)
}

// builtLock is the lock that was built, which need not be beside the app yet.
func builtLock(a app.App, built *results.Built) (*lock.Lock, error) {
	if l := built.Lock; l != nil && l.Digest() == built.LockDigest {
		return l, nil
	}
	return nil, fault.Hint(fault.New(fault.Integrity, "%s was not built from the lock that its receipt names", a.Name), "run: bakelite build %s", a.Path)
}

// testsOf counts the declared tests of one kind for the gate.
func testsOf(b *results.Built, kind string) gate.Tests {
	t := gate.Tests{Skipped: b.TestsSkipped}
	for _, r := range b.Tests[kind].Results {
		if r.Passed {
			t.Passed++
		} else {
			t.Failed++
		}
	}
	return t
}
