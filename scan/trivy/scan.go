//go:build goexperiment.jsonv2

package trivy

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/aquasecurity/trivy-db/pkg/types"
	"github.com/aquasecurity/trivy/pkg/cache"
	"github.com/aquasecurity/trivy/pkg/clock"
	"github.com/aquasecurity/trivy/pkg/db"
	detector "github.com/aquasecurity/trivy/pkg/detector/ospkg"
	"github.com/aquasecurity/trivy/pkg/fanal/applier"
	"github.com/aquasecurity/trivy/pkg/fanal/artifact"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/result"
	trivyscan "github.com/aquasecurity/trivy/pkg/scan"
	"github.com/aquasecurity/trivy/pkg/scan/langpkg"
	"github.com/aquasecurity/trivy/pkg/scan/local"
	"github.com/aquasecurity/trivy/pkg/scan/ospkg"
	ttypes "github.com/aquasecurity/trivy/pkg/types"
	"github.com/aquasecurity/trivy/pkg/vulnerability"

	trivydb "github.com/aquasecurity/trivy-db/pkg/db"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/content"
	"github.com/bakelite/bakelite/scan/protocol"
	"github.com/bakelite/bakelite/scan/trivy/analysis"
)

// Version is Trivy's, as go.mod pins it.
const Version = "0.74.0"

// Scan reads the roots of a request one after the other and compares them
// with its database. It uses Trivy's global state: a process may call it once
// at a time. Temporary files go below $TMPDIR. What is found in a tree that
// has a name is handed to keep, where that is set, before the next tree is
// read. Errors are classified; a root that cannot be read whole fails the
// request.
func Scan(ctx context.Context, req protocol.Request, keep func(protocol.Entry) error) ([]protocol.Result, error) {
	// Trivy's own words name what it reads, and nobody reads them.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	database, err := openDatabase(req.Database, req.Now)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	scratch, err := os.MkdirTemp("", "scan-")
	if err != nil {
		return nil, fmt.Errorf("making folder for temporary files: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	if err := analysis.OpenJava(req.Java, scratch, req.Now); err != nil {
		return nil, err
	}
	e, err := analysis.New(analysis.Options{Version: Version, Keep: keep, Untouched: req.Untouched})
	if err != nil {
		return nil, err
	}
	s := session{engine: e, request: req, database: database}
	var results []protocol.Result
	for i, root := range req.Roots {
		var known []protocol.Known
		if len(req.Known) == len(req.Roots) {
			known = req.Known[i]
		}
		r, err := s.scan(clock.With(ctx, req.Now), root, known)
		if err != nil {
			return nil, fmt.Errorf("scanning %s: %w", root.Name, err)
		}
		results = append(results, r)
	}
	return results, nil
}

// session is one request with its database open.
type session struct {
	engine   *analysis.Engine
	request  protocol.Request
	database scan.Database
}

func (s session) scan(ctx context.Context, root protocol.Root, known []protocol.Known) (protocol.Result, error) {
	store := cache.NewMemoryCache()
	if root.Kind == protocol.SBOM {
		return s.scanSBOM(ctx, root, store)
	}
	a, err := content.Open(ctx, root, s.request.Limits)
	if err != nil {
		return protocol.Result{}, err
	}
	defer func() { _ = a.Close() }()
	i, err := s.engine.Inspect(ctx, root, known, a, store)
	if err != nil {
		return protocol.Result{}, err
	}
	return s.judge(ctx, i, store, about{subject: a.Subject, kind: a.Kind, cached: i.Cached})
}

// about says what a report is about.
type about struct {
	subject, kind string
	cached        int
}

// judge compares what was found with the database.
func (s session) judge(ctx context.Context, a artifact.Artifact, store cache.Cache, what about) (protocol.Result, error) {
	backend := local.NewService(applier.NewApplier(store), ospkg.NewScanner(detector.WithSupplier(ownAdvisories)), langpkg.NewScanner(), vulnerability.NewClient(trivydb.Config{}))
	report, err := trivyscan.NewService(backend, a).ScanArtifact(ctx, scanOptions())
	if err != nil {
		return protocol.Result{}, fault.As(fault.Integrity, fmt.Errorf("comparing with database: %w", err))
	}
	if err := result.Filter(ctx, report, result.FilterOptions{Severities: severities()}); err != nil {
		return protocol.Result{}, fmt.Errorf("comparing with database: %w", err)
	}
	r := protocol.Result{Report: s.report(report, what), Cached: what.cached}
	if r.CycloneDX, r.SPDX, err = documents(ctx, report, what); err != nil {
		return protocol.Result{}, err
	}
	return r, nil
}

// scanOptions are the defaults of `trivy image`, with licences and packages.
func scanOptions() ttypes.ScanOptions {
	return ttypes.ScanOptions{
		PkgTypes: ttypes.PkgTypes, PkgRelationships: ftypes.Relationships,
		Scanners: ttypes.Scanners{ttypes.VulnerabilityScanner, ttypes.SecretScanner, ttypes.SBOMScanner},
		// Without it every severity is unknown.
		VulnSeveritySources: []types.SourceID{"auto"},
	}
}

func severities() []types.Severity {
	return []types.Severity{types.SeverityUnknown, types.SeverityLow, types.SeverityMedium, types.SeverityHigh, types.SeverityCritical}
}
