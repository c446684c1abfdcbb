package flowtest

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/keys"
	"github.com/bakelite/bakelite/runners/probe"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/child"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/database"
	"github.com/bakelite/bakelite/scan/protocol"
)

// Ports play scanner, checker, testers, signer, database and engine.
type Ports struct {
	Key keys.Key
	// Fails is what fails when it is asked for, in Secret lies a secret, and
	// Untested does not pass its tests: kinds of artifacts.
	Fails, Secret, Untested string
	// Locked is the lock whose packages the scanner finds; without it that is
	// openssl 1.
	Locked *lock.Lock
	// Signatures are how many were made, and Most after how many the key fails.
	Signatures, Most int

	mu sync.Mutex
	// Asked is what was asked for, in order, and Roots what was to be read.
	Asked []string
	Roots []protocol.Root
}

// NewPorts plays with a key; nothing fails.
func NewPorts(key keys.Key) *Ports { return &Ports{Key: key, Most: 1000} }

// Examiner is the ports as who looks into artifacts.
func (p *Ports) Examiner() examine.Examiner {
	return examine.Examiner{
		Scanner: p, Hardening: p.Hardening(),
		Fetch: func(context.Context) (database.Database, error) {
			return database.Database{Database: scan.Database{Ref: "db", Digest: digests.Of([]byte("db"))}}, p.Ask("database")
		},
	}
}

// Hardening is the ports as who says which controls hold.
func (p *Ports) Hardening() examine.Hardening {
	return examine.Hardening{Controls: NoControls{}, Checker: p}
}

// Signer is the ports as who signs.
func (p *Ports) Signer(context.Context) (attest.Signer, error) {
	return attest.ByKey(p), p.Ask("signer")
}

// Ask notes that something is asked for, which fails where it is told to.
func (p *Ports) Ask(what string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Asked = append(p.Asked, what)
	if what == p.Fails {
		return errOutOfOrder(what)
	}
	return nil
}

func errOutOfOrder(what string) error { return fmt.Errorf("%s: out of order", what) }

// Again begins to note anew.
func (p *Ports) Again() {
	p.Roots = nil
	p.Asked, p.Fails, p.Secret, p.Untested, p.Signatures, p.Most = nil, "", "", "", 0, 1000
}

// Public is the key's.
func (p *Ports) Public() crypto.PublicKey { return p.Key.Public() }

// Sign signs with the key, as often as it may.
func (p *Ports) Sign(ctx context.Context, data []byte, hash crypto.Hash) ([]byte, error) {
	if p.Signatures == p.Most {
		return nil, errors.New("the key is gone")
	}
	p.Signatures++
	return p.Key.Sign(ctx, data, hash)
}

// Scan reports one package, and the secret.
func (p *Ports) Scan(_ context.Context, r child.Request) (all []protocol.Result, err error) {
	p.read(r.Roots)
	for _, root := range r.Roots {
		report := scan.Report{
			APIVersion: scan.APIVersion, Kind: "Report", Scanned: r.Now, OS: scan.OS{Family: "debian", Name: "13.2"},
			Database: scan.Database{Ref: r.Database.Ref, Digest: r.Database.Digest, Updated: r.Now.Add(-time.Hour)},
			Packages: p.found(examine.KindOf(root)), Secrets: []scan.Secret{}, Findings: []scan.Finding{},
		}
		if p.Secret != "" && p.Secret == examine.KindOf(root) {
			report.Secrets = []scan.Secret{{Path: "/etc/key.pem"}}
		}
		all = append(all, protocol.Result{Report: report, CycloneDX: []byte(`{"bomFormat":"CycloneDX"}`), SPDX: []byte(`{"spdxVersion":"SPDX-2.3"}`)})
	}
	return all, p.Ask("scanner")
}

// found are the packages in an artifact of a kind.
func (p *Ports) found(kind string) (all []scan.Package) {
	if p.Locked == nil {
		return []scan.Package{{Type: "debian", Name: "openssl", Version: "1", Arch: "amd64"}}
	}
	for _, one := range examine.LockedOf(*p.Locked, kind, nil).Packages {
		one.Type = "debian"
		all = append(all, one)
	}
	return all
}

func (p *Ports) read(roots []protocol.Root) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Roots = append(p.Roots, roots...)
}

// List lists one file in each root, which is what the root's digest is.
func (p *Ports) List(_ context.Context, roots []protocol.Root) (all []map[string]string, err error) {
	p.read(roots)
	for _, r := range roots {
		all = append(all, map[string]string{"/etc/hostname": r.Digest})
	}
	return all, p.Ask("list")
}

// Digest is always the same.
func (p *Ports) Digest(context.Context) (string, error) { return digests.Of([]byte("scanner")), nil }

// Check says that one control holds.
func (p *Ports) Check(_ context.Context, roots []protocol.Root, _ []protocol.Check) ([][]controls.Result, error) {
	p.read(roots)
	all := make([][]controls.Result, len(roots))
	for i := range roots {
		all[i] = []controls.Result{{ID: "BK-FS-01", Level: 1, Passed: true}}
	}
	return all, p.Ask("checker")
}

// Tester is the ports as the runner of tests.
type Tester struct{ *Ports }

// Test passes what is not Untested.
func (p Tester) Test(_ context.Context, _ app.App, made artifact.Artifact, _ io.Writer) (results.Tested, error) {
	passed := p.Untested != made.Kind
	return results.Tested{Results: []probe.Result{{Name: "the page is served", Artifact: made.Kind, Passed: passed}}}, p.Ask("tests of the " + made.Kind)
}

// NoControls harden nothing.
type NoControls struct{}

// UpTo returns none.
func (NoControls) UpTo(string, int, ...string) []controls.Control { return nil }
