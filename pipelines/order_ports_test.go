package pipelines

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/runners/probe"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/child"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/protocol"
)

// ask notes that something is asked for, which fails where it is told to.
func (s *shop) ask(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, what)
	if what == s.fails {
		return fmt.Errorf("%s: out of order", what)
	}
	return nil
}

// again begins to note anew.
func (s *shop) again() {
	s.asked, s.fails, s.secret, s.untested, s.signatures, s.most = nil, "", "", "", 0, 1000
}

func (s *shop) Public() crypto.PublicKey { return s.key.Public() }

// Sign signs with the key, as often as it may.
func (s *shop) Sign(ctx context.Context, data []byte, hash crypto.Hash) ([]byte, error) {
	if s.signatures == s.most {
		return nil, errors.New("the key is gone")
	}
	s.signatures++
	return s.key.Sign(ctx, data, hash)
}

func (s *shop) Scan(_ context.Context, r child.Request) (all []protocol.Result, err error) {
	for _, root := range r.Roots {
		report := scan.Report{
			APIVersion: scan.APIVersion, Kind: "Report", Scanned: r.Now, OS: scan.OS{Family: "debian", Name: "13.2"},
			Database: scan.Database{Ref: r.Database.Ref, Digest: r.Database.Digest, Updated: r.Now.Add(-time.Hour)},
			Packages: []scan.Package{{Type: "debian", Name: "openssl", Version: "1", Arch: "amd64"}}, Secrets: []scan.Secret{}, Findings: []scan.Finding{},
		}
		if s.secret == kindOf(root) {
			report.Secrets = []scan.Secret{{Path: "/etc/key.pem"}}
		}
		all = append(all, protocol.Result{Report: report, CycloneDX: []byte(`{"bomFormat":"CycloneDX"}`), SPDX: []byte(`{"spdxVersion":"SPDX-2.3"}`)})
	}
	return all, s.ask("scanner")
}

func (s *shop) List(context.Context, []protocol.Root) ([]map[string]string, error) {
	return nil, s.ask("list")
}

func (s *shop) Digest(context.Context) (string, error) { return digestOf([]byte("scanner")), nil }

func (s *shop) Check(_ context.Context, roots []protocol.Root, _ []protocol.Check) ([][]controls.Result, error) {
	all := make([][]controls.Result, len(roots))
	for i := range roots {
		all[i] = []controls.Result{{ID: "BK-FS-01", Level: 1, Passed: true}}
	}
	return all, s.ask("checker")
}

// tester is the shop as the runner of tests.
type tester struct{ *shop }

func (s tester) Test(_ context.Context, _ app.App, made artifact.Artifact, _ io.Writer) (Tested, error) {
	passed := s.untested != made.Kind
	return Tested{Results: []probe.Result{{Name: "the page is served", Artifact: made.Kind, Passed: passed}}}, s.ask("tests of the " + made.Kind)
}

// noControls harden nothing.
type noControls struct{}

func (noControls) UpTo(string, int, ...string) []controls.Control { return nil }
