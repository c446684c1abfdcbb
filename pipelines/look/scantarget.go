package look

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
	"github.com/bakelite/bakelite/scan/protocol"
)

// stated is what the gate is told beside a report.
type stated struct {
	hardening []controls.Result
	tests     gate.Tests
	// earlier is the report that was signed, zero where there is none.
	earlier scan.Report
	// locked is what the lock that was signed put into it, nil where none was.
	locked *gate.Locked
	// asked is what of the app file was signed, nil where nothing was.
	asked *controls.Asked
}

// source is what is read of an artifact that was published.
type source int

const (
	// vouched is its SBOM, where the policy's signers vouch for one.
	vouched source = iota
	// content is the artifact itself, always.
	content
)

// rootOf is what the scanner is to read for a target.
func (r Reader) rootOf(ctx context.Context, target, work string, by source) (protocol.Root, stated, error) {
	skipped := stated{tests: gate.Tests{Skipped: true}}
	name := filepath.Base(target)
	path, err := filepath.Abs(target)
	if err != nil {
		return protocol.Root{}, skipped, fmt.Errorf("finding %s: %w", target, err)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil || isLayout(path):
		return r.publishedRoot(ctx, target, work, by)
	case info.IsDir():
		return protocol.Root{Name: name, Kind: protocol.Folder, Path: path}, skipped, nil
	case strings.HasSuffix(path, ".json"):
		return protocol.Root{Name: name, Kind: protocol.SBOM, Path: path}, skipped, nil
	case strings.HasSuffix(path, ".tar"):
		return protocol.Root{}, skipped, fault.Hint(fault.New(fault.Invalid, "%s is an archive, which is not scanned as it is", target),
			"scan the layout folder that a build puts beside it, %s; or unpack it into an empty folder and scan that", strings.TrimSuffix(target, ".tar"))
	}
	return protocol.Root{Name: name, Kind: protocol.Disk, Path: path}, skipped, nil
}

// publishedRoot is the SBOM of a reference where that is asked for and somebody
// vouches for it, else the content itself, fetched into work.
func (r Reader) publishedRoot(ctx context.Context, target, work string, by source) (protocol.Root, stated, error) {
	skipped := stated{tests: gate.Tests{Skipped: true}}
	t, err := r.Find(ctx, target)
	if err != nil {
		return protocol.Root{}, skipped, err
	}
	kind := t.kind()
	root := protocol.Root{Name: t.Name, Digest: t.Digest}
	if by == vouched && len(r.Policy.Verify.SignedBy) > 0 && len(t.Bundles) > 0 {
		sbom, said, err := r.vouchedSBOM(ctx, t, kind)
		if err != nil {
			return root, skipped, err
		}
		path := filepath.Join(work, "sbom.cdx.json")
		root.Kind, root.Path, root.Digest, root.Subject, root.ArtifactKind = protocol.SBOM, path, "", t.Digest, kind
		return root, said, results.WriteFile(path, sbom)
	}
	root, err = r.fetched(ctx, t, kind, work)
	return root, skipped, err
}

// fetched is the content of a target, fetched into work.
func (r Reader) fetched(ctx context.Context, t Target, kind, work string) (protocol.Root, error) {
	root := protocol.Root{Name: t.Name}
	if kind == artifact.Disk {
		root.Kind, root.Path = protocol.Disk, filepath.Join(work, "disk.qcow2")
		return root, publish.PullFile(ctx, t.Store, t.Manifest.Digest, "qcow2", root.Path)
	}
	root.Kind, root.Path = protocol.Image, filepath.Join(work, "image")
	digest, err := registry.Pull(ctx, t.Store, registry.PullOptions{Digest: t.Manifest.Digest, Platform: r.Platform, Layout: root.Path})
	root.Digest = digest.String()
	return root, err
}

// kind is that of a target in a registry or layout.
func (t Target) kind() string {
	if shape, err := t.Manifest.Shape(); err == nil && shape.ArtifactType == publish.DiskArtifact {
		return artifact.Disk
	}
	return artifact.Container
}

// vouchedSBOM returns the SBOM that the policy's signers signed, and what else
// they said that the gate asks for.
func (r Reader) vouchedSBOM(ctx context.Context, t Target, kind string) ([]byte, stated, error) {
	asked := r.Policy.Verify
	asked.WithoutVerdict, asked.WithoutProvenance, asked.WithoutLock, asked.WithoutTests, asked.Policies = true, true, true, true, nil
	asked.MaxReportAge = forever // a new report is about to be made
	summary, err := attest.VerifyAll(ctx, t.Bundles, attest.All{
		Digest: t.Digest, File: t.File, Verify: asked, Dir: r.Policy.Dir, TUF: r.TUF, AcceptReported: true, Now: time.Now(),
	})
	if err != nil {
		return nil, stated{}, err
	}
	var i Inspected
	for _, v := range summary.Statements {
		if err := i.take(v); err != nil {
			return nil, stated{}, fault.New(fault.Integrity, "reading %s: %w", v.PredicateType, err)
		}
	}
	if i.SBOM == nil {
		return nil, stated{}, fault.New(fault.Missing, "%s has no SBOM in CycloneDX's form", t.Name)
	}
	said := i.stated()
	if said.locked, err = i.locked(kind); err != nil {
		return nil, stated{}, err
	}
	if i.Provenance != nil {
		said.asked = i.Provenance.BuildDefinition.ExternalParameters.Asked
	}
	if i.Report != nil && i.Report.Subject == t.Digest {
		said.earlier = *i.Report
	}
	return i.SBOM, said, nil
}

// forever is longer than any report is kept.
const forever = 100 * 365 * 24 * 3600e9

// locked is what the lock's statement says to the gate. Provenance of older
// versions does not say what was trimmed: then it is all that ever is.
func (i Inspected) locked(kind string) (*gate.Locked, error) {
	if i.Lock == nil {
		return nil, nil
	}
	l, err := intoto.StatedLock(i.Lock)
	if err != nil {
		return nil, err
	}
	if i.Provenance != nil && i.Provenance.BuildDefinition.InternalParameters.Trimmed != nil {
		return examine.LockedOf(l, kind, i.Provenance.BuildDefinition.InternalParameters.Trimmed), nil
	}
	return examine.LockedOf(l, kind, examine.Trimmed(app.App{}, l, kind)), nil
}

// stated is what the tests' statement says to the gate.
func (i Inspected) stated() stated {
	if i.Tests == nil {
		return stated{tests: gate.Tests{Skipped: true}}
	}
	s := stated{tests: gate.Tests{Skipped: i.Tests.Skipped}}
	for _, r := range i.Tests.Results {
		if r.Passed {
			s.tests.Passed++
		} else {
			s.tests.Failed++
		}
	}
	s.hardening = i.Tests.Controls()
	return s
}
