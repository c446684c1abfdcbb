package pipelines

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
)

// evidence is everything that is stated about one subject.
type evidence struct {
	app     app.App
	lock    lock.Lock
	built   *Built
	subject subject
	seen    scanned
	passed  gate.Passed
	// version is what it is published as, "" for none.
	version string
}

func (k Kitchen) signer(ctx context.Context) (signer attest.Signer, err error) {
	err = k.Progress.Do(ctx, "[sign] open the key", func(ctx context.Context, _ io.Writer) (_ bool, err error) {
		signer, err = k.Publisher.Signer(ctx)
		return false, err
	})
	return signer, err
}

// builtLock is the lock that was built, which need not be beside the app yet.
func builtLock(a app.App, built *Built) (*lock.Lock, error) {
	if l := built.lock; l != nil && l.Digest() == built.LockDigest {
		return l, nil
	}
	return nil, fault.Hint(fault.New(fault.Integrity, "%s was not built from the lock that its receipt names", a.Name), "run: bakelite build %s", a.Path)
}

// sign signs the subject and all evidence of it that does not stand already.
// What comes back was verified as a consumer with the same policy would.
func (k Kitchen) sign(ctx context.Context, signer attest.Signer, e evidence) (signed attest.Signed, err error) {
	provenance, err := k.provenance(e)
	if err != nil {
		return signed, err
	}
	attached, err := k.lasting(ctx, e.subject)
	if err != nil {
		return signed, err
	}
	order := attest.Order{
		Passed: e.passed, Attached: attached, Subject: attest.Subject{Name: e.app.Name, Digest: e.subject.digest(), Files: e.subject.files()},
		Statements: []attest.Statement{
			attest.BuildProvenance(provenance), attest.CycloneDX(e.seen.cycloneDX), attest.SPDX(e.seen.spdx), attest.Scan(e.seen.report),
			attest.Verdict(e.passed.Verdict()), attest.TestResults(statedTests(e.built, e.subject.kind)), attest.Lock(e.lock),
		},
		Want: attest.All{Names: []attest.Name{{App: e.app.Name, Kind: e.subject.kind}}, Verify: k.Policy.Verify, Dir: k.Policy.Dir, TUF: k.TUF, Now: time.Now()},
	}
	err = k.Progress.Do(ctx, "[sign] "+e.subject.kind, func(ctx context.Context, _ io.Writer) (_ bool, err error) {
		signed, err = attest.Sign(ctx, order, signer)
		return false, err
	})
	return signed, err
}

// files are the files of a disk; an image's blobs are named by its manifest.
func (s subject) files() []attest.Subject {
	if s.kind != artifact.Disk {
		return nil
	}
	var all []attest.Subject
	for _, m := range s.made {
		all = append(all, attest.Subject{Name: filepath.Base(m.Path), Digest: m.Digest})
	}
	return all
}

func (k Kitchen) provenance(e evidence) (attest.Provenance, error) {
	asked, err := app.Marshal(e.app)
	if err != nil {
		return attest.Provenance{}, fmt.Errorf("writing app: %w", err)
	}
	o := k.Publisher.Origin
	return attest.NewProvenance(attest.Build{
		App: e.app.Name, AppDigest: digestOf(asked), ArtifactKind: e.subject.kind, Lock: e.lock, LockDigest: e.built.LockDigest,
		Trimmed: trimmed(e.app, e.lock, e.subject.kind), CacheMounts: e.built.CacheMounts, Release: e.version,
		Source: o.Source, Commit: o.Commit, Builder: o.Builder, Version: e.built.Bakelite, Invocation: o.Invocation,
		Started: e.built.Started, Finished: e.built.Made,
	}), nil
}

func statedTests(b *Built, kind string) attest.Tests {
	t := attest.Tests{Skipped: b.TestsSkipped, Ran: b.Made}
	for _, r := range b.Tests[kind].Results {
		t.Results = append(t.Results, attest.TestResult{Name: r.Name, Passed: r.Passed, Seconds: r.Seconds, Message: r.Detail})
	}
	t.Hardening, t.Booted = statedControls(b.Tests[kind].Hardening), statedControls(b.Tests[kind].Booted)
	return t
}

func statedControls(results []controls.Result) []attest.TestResult {
	var all []attest.TestResult
	for _, r := range results {
		all = append(all, attest.TestResult{Name: r.ID, Passed: r.Passed, Message: r.Detail})
	}
	return all
}

func testsOf(b *Built, kind string) gate.Tests {
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

// hardeningOf counts the controls that hold in the image and, where it was
// booted, in the machine.
func hardeningOf(t Tested) gate.Hardening {
	var h gate.Hardening
	held := map[string]bool{}
	for _, r := range append(t.Hardening, t.Booted...) {
		before, seen := held[r.ID]
		held[r.ID] = r.Passed && (before || !seen)
	}
	for _, r := range t.Hardening {
		if held[r.ID] {
			h.Passed++
			continue
		}
		h.Failed++
		h.FailedControls = append(h.FailedControls, r.ID)
	}
	return h
}

// writeBeside puts the bundles and a checksum beside each file of a disk: one
// bundle a line, the signature first.
func (k Kitchen) writeBeside(ctx context.Context, s subject, signed attest.Signed) error {
	if !s.beside {
		return nil
	}
	var lines strings.Builder
	for _, b := range signed.Bundles() {
		lines.Write(b.JSON)
		lines.WriteByte('\n')
	}
	for _, m := range s.made {
		sum := strings.TrimPrefix(m.Digest, "sha256:") + "  " + filepath.Base(m.Path) + "\n"
		if err := writeFile(m.Path+".sha256", []byte(sum)); err != nil {
			return err
		}
		if err := writeFile(m.Path+BundlesSuffix, []byte(lines.String())); err != nil {
			return err
		}
	}
	for _, path := range s.besides() {
		if err := k.Vouch.NoteTree(ctx, vouch.Publication, path, path); err != nil {
			return err
		}
	}
	return nil
}

// besides are the files with bundles and digests that stand beside a disk's.
func (s subject) besides() []string {
	var all []string
	for _, m := range s.made {
		if s.beside {
			all = append(all, m.Path+".sha256", m.Path+BundlesSuffix)
		}
	}
	return all
}

// BundlesSuffix ends the name of the file with a disk file's bundles.
const BundlesSuffix = ".sigstore.jsonl"
