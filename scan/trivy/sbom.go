//go:build goexperiment.jsonv2

package trivy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/aquasecurity/trivy/pkg/cache"
	"github.com/aquasecurity/trivy/pkg/fanal/artifact"
	sbomartifact "github.com/aquasecurity/trivy/pkg/fanal/artifact/sbom"
	"github.com/aquasecurity/trivy/pkg/report/cyclonedx"
	"github.com/aquasecurity/trivy/pkg/report/spdx"
	"github.com/aquasecurity/trivy/pkg/types"
	"github.com/google/uuid"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/scan/protocol"
	"github.com/bakelite/bakelite/scan/trivy/analysis"
)

// documents writes the packages as CycloneDX and SPDX. What is not about
// packages stays out of them, and their identifiers depend on the content
// alone, so that the same artifact gets the same documents.
func documents(ctx context.Context, report types.Report, what about) (cdx, spdxJSON []byte, err error) {
	report.Results = packagesOnly(report.Results)
	seed := sha256.Sum256([]byte(what.kind + " " + what.subject + " " + report.ArtifactName))
	uuid.SetRand(rand.NewChaCha8(seed))
	defer uuid.SetRand(nil)
	var c, s bytes.Buffer
	if err := cyclonedx.NewWriter(&c, Version).Write(ctx, report); err != nil {
		return nil, nil, fmt.Errorf("writing CycloneDX: %w", err)
	}
	if err := spdx.NewWriter(&s, Version, types.FormatSPDXJSON).Write(ctx, report); err != nil {
		return nil, nil, fmt.Errorf("writing SPDX: %w", err)
	}
	return c.Bytes(), s.Bytes(), nil
}

func packagesOnly(all types.Results) types.Results {
	var kept types.Results
	for _, r := range all {
		if r.Class == types.ClassOSPkg || r.Class == types.ClassLangPkg {
			kept = append(kept, types.Result{Target: r.Target, Class: r.Class, Type: r.Type, Packages: r.Packages})
		}
	}
	return kept
}

// scanSBOM compares the packages that an SBOM lists.
func (s session) scanSBOM(ctx context.Context, root protocol.Root, store cache.Cache) (protocol.Result, error) {
	if err := checkSBOM(root, s.request.Limits.Filled()); err != nil {
		return protocol.Result{}, fmt.Errorf("reading SBOM: %w", err)
	}
	a, err := sbomartifact.NewArtifact(root.Path, store, artifact.Option{})
	if err != nil {
		return protocol.Result{}, fmt.Errorf("reading SBOM: %w", err)
	}
	ref, err := a.Inspect(ctx)
	if err != nil {
		return protocol.Result{}, fault.As(fault.Integrity, fmt.Errorf("reading SBOM: %w", err))
	}
	// The document is written anew from the packages.
	ref.Name, ref.BOM = root.Name, nil
	return s.judge(ctx, analysis.Inspected{Reference: ref}, store, about{subject: root.Subject, kind: root.ArtifactKind})
}

// checkSBOM reads the file once to know that it is JSON, not too large, and
// the one that was meant.
func checkSBOM(root protocol.Root, limits protocol.Limits) error {
	f, err := regular.Open(root.Path)
	if err != nil {
		return fault.As(fault.Missing, err)
	}
	defer f.Close()
	text, err := limit.ReadAll(f, limits.SBOMBytes, "the SBOM")
	if err != nil {
		return fault.As(fault.Integrity, err)
	}
	if got := digests.Of(text); root.Digest != "" && root.Digest != got {
		return fault.New(fault.Integrity, "the SBOM's digest is %s: want %s", got, root.Digest)
	}
	var head struct {
		BOMFormat   string `json:"bomFormat"`
		SPDXVersion string `json:"spdxVersion"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return fault.As(fault.Integrity, err)
	}
	if head.BOMFormat != "CycloneDX" && head.SPDXVersion == "" {
		return fault.New(fault.Invalid, "it is neither CycloneDX nor SPDX in JSON")
	}
	return nil
}
