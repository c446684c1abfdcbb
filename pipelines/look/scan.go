package look

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
	"github.com/bakelite/bakelite/scan/protocol"
)

// Seen is what a scan saw, and what the gate says of it.
type Seen struct {
	Report    scan.Report
	CycloneDX []byte
	SPDX      []byte
	Verdict   gate.Verdict
}

// Scan scans something that is there already: a disk file, a layout folder, a
// folder, an SBOM (a .json file), or a reference. What was published with an
// SBOM that the policy's signers vouch for is not fetched: its SBOM is compared
// with the database of today.
func (r Reader) Scan(ctx context.Context, target string) (Seen, error) {
	work, err := os.MkdirTemp("", "bakelite-scan-*")
	if err != nil {
		return Seen{}, fmt.Errorf("making work folder: %w", err)
	}
	defer os.RemoveAll(work)
	root, evidence, err := r.rootOf(ctx, target, work, vouched)
	if err != nil {
		return Seen{}, err
	}
	db, err := r.Examiner.Database(ctx)
	if err != nil {
		return Seen{}, err
	}
	seen, err := r.Examiner.Scan(ctx, []protocol.Root{root}, db)
	if err != nil {
		return Seen{}, err
	}
	documents, err := gate.Documents(r.Policy)
	if err != nil {
		return Seen{}, err
	}
	if evidence.hardening == nil {
		if evidence.hardening, err = r.hardened(ctx, root); err != nil {
			return Seen{}, err
		}
	}
	report := seen[0].Report
	report.Findings = gate.DateFixes(report, evidence.earlier, r.Policy.Verify.MaxReportAge.Std())
	judged := report
	if judged.Subject == "" {
		judged.Subject = unknownSubject
	}
	verdict, _, _ := gate.Judge(gate.Input{
		App: root.Name, ArtifactKind: judged.ArtifactKind, Digest: judged.Subject, Report: &judged, Locked: evidence.locked, Unlocked: evidence.locked == nil, Asked: evidence.asked, VEX: documents, Policy: r.Policy, Now: time.Now(),
		Hardening: evidence.hardening, Tests: evidence.tests,
	})
	return Seen{Report: report, CycloneDX: seen[0].CycloneDX, SPDX: seen[0].SPDX, Verdict: verdict}, nil
}

// unknownSubject stands for a folder, which has no digest; nothing that is
// judged under it can be published.
const unknownSubject = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// anyLevel is the level of what every artifact can bear.
const anyLevel = 1

// hardened checks what is here, of which nobody says what it is meant to
// be.
func (r Reader) hardened(ctx context.Context, root protocol.Root) ([]controls.Result, error) {
	kind := examine.KindOf(root)
	if kind == "" {
		return nil, nil
	}
	found, err := r.Examiner.Checker.Check(ctx, []protocol.Root{root}, []protocol.Check{{Controls: r.Examiner.Controls.UpTo(kind, anyLevel)}})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}
