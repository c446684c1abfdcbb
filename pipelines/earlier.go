package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/attest"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/scan"
)

const (
	// maxEvidence bounds the bundles with earlier reports of one digest, in
	// bytes all together; one of a thousand packages has half a megabyte.
	maxEvidence = 64 << 20
	// maxReports bounds those bundles in number: a digest gets one with each
	// newer database that it is published by, and verifiers read
	// attest.MaxBundles of all kinds, eight with each publication.
	maxReports = attest.MaxBundles / 8
	// maxClockSkew is how far the clock that dated a report may be ahead.
	maxClockSkew = 5 * time.Minute
)

// earlierReport is the newest report of what a subject's moving name leads to
// now, verified as the policy asks; it is zero where nothing is there yet.
func (k Kitchen) earlierReport(ctx context.Context, s subject) (scan.Report, error) {
	store, _, err := registry.Open(s.repository, k.Registry)
	if err != nil {
		return scan.Report{}, err
	}
	old, err := registry.Resolve(ctx, store, registry.Tag)
	if errors.Is(err, registry.ErrNotFound) {
		return scan.Report{}, nil
	}
	if err == nil && len(k.Policy.Verify.SignedBy) == 0 {
		err = errors.New("the policy names nobody whose signature counts; name the key or identity that publishes under verify.signedBy")
	}
	var r scan.Report
	if err == nil {
		r, err = k.newestReport(ctx, store, old)
	}
	if err == nil && r.ArtifactKind != s.kind {
		err = fmt.Errorf("its report is about a %.40q", r.ArtifactKind)
	}
	if err != nil {
		return scan.Report{}, fmt.Errorf("what was published before is no evidence of when fixes came out: %s: %w", s.repository, err)
	}
	return r, nil
}

// newestReport is the newest report about a manifest that one of the policy's
// signers signed. What others attached does not count; what cannot be read
// leaves no evidence at all, since it may be the newest.
func (k Kitchen) newestReport(ctx context.Context, store registry.Reader, of registry.Manifest) (scan.Report, error) {
	bundles, err := reportBundles(ctx, store, of)
	if err != nil {
		return scan.Report{}, err
	}
	var newest scan.Report
	why := errors.New("no scan report is attached")
	for _, text := range bundles {
		v, err := attest.Verify(ctx, text, attest.Want{
			Digest: of.Digest.String(), PredicateType: attest.ScanType, Signers: k.Policy.Verify.SignedBy, Dir: k.Policy.Dir, TUF: k.TUF, Now: time.Now(),
		})
		if fault.KindOf(err) == fault.Policy {
			why = err
			continue
		}
		if err != nil {
			return scan.Report{}, err
		}
		r, err := statedReport(v, of.Digest.String(), time.Now())
		if err != nil {
			return scan.Report{}, err
		}
		if newer := r.Database.Updated.Compare(newest.Database.Updated); newest.Scanned.IsZero() || newer > 0 || newer == 0 && r.Scanned.After(newest.Scanned) {
			newest = r
		}
	}
	if newest.Scanned.IsZero() {
		return scan.Report{}, fmt.Errorf("no report in it counts: %w", why)
	}
	return newest, nil
}

// statedReport reads a report that was verified; what later versions add to
// it is no harm.
func statedReport(v attest.Verified, digest string, now time.Time) (scan.Report, error) {
	var r scan.Report
	if err := json.Unmarshal(v.Predicate, &r); err != nil {
		return r, fmt.Errorf("reading its report: %w", err)
	}
	switch {
	case r.APIVersion != scan.APIVersion || r.Kind != "Report":
		return r, fmt.Errorf("its report is of the form %.40q %.40q", r.APIVersion, r.Kind)
	case r.Subject != digest:
		return r, fmt.Errorf("its report is about %.80q", r.Subject)
	case r.Scanned.IsZero() || r.Scanned.After(now.Add(maxClockSkew)) || !v.SignedAt.IsZero() && r.Scanned.After(v.SignedAt.Add(maxClockSkew)):
		return r, fmt.Errorf("its report has the date %s, which cannot be", r.Scanned.UTC().Format(time.RFC3339))
	case r.Database.Updated.After(r.Scanned.Add(maxClockSkew)):
		return r, fmt.Errorf("its report is of %s, by a database of %s", r.Scanned.UTC().Format(time.RFC3339), r.Database.Updated.UTC().Format(time.RFC3339))
	}
	return r, nil
}

// reportBundles returns the bundles that say of themselves that they state a
// report about a manifest. The other bundles are not fetched.
func reportBundles(ctx context.Context, store registry.Reader, of registry.Manifest) ([][]byte, error) {
	referrers, err := store.Referrers(ctx, of.Digest)
	if err != nil {
		return nil, err
	}
	var found [][]byte
	room := int64(maxEvidence)
	for _, d := range referrers {
		if kind, ok := d.Annotations[bundleStates]; ok && kind != attest.ScanType || !mayHoldBundle(d) {
			continue
		}
		text, err := reportBundle(ctx, store, d, room)
		if err != nil {
			return nil, err
		}
		if text == nil {
			continue
		}
		found, room = append(found, text), room-int64(len(text))
		if len(found) > maxReports {
			return nil, fault.New(fault.Integrity, "more than %d reports are attached", maxReports)
		}
	}
	return found, nil
}

// bundleStates is the annotation by which cosign, and attest.Manifest, say
// what a bundle states.
const bundleStates = "dev.sigstore.bundle.predicateType"

// mayHoldBundle goes by the list of referrers, which with some registries says
// nothing of the type.
func mayHoldBundle(d registry.Descriptor) bool {
	return d.ArtifactType == "" || strings.HasPrefix(d.ArtifactType, "application/vnd.oci.empty.") || d.ArtifactType == attest.BundleMediaType
}

// reportBundle fetches one bundle of at most room bytes, or nothing where its
// manifest says that it states something else.
func reportBundle(ctx context.Context, store registry.Reader, d registry.Descriptor, room int64) ([]byte, error) {
	m, err := store.Manifest(ctx, d.Digest.String())
	if err != nil {
		return nil, err
	}
	var manifest struct {
		Layers      []registry.Descriptor `json:"layers"`
		Annotations map[string]string     `json:"annotations"`
	}
	if err := json.Unmarshal(m.Content, &manifest); err != nil {
		return nil, fault.New(fault.Integrity, "reading manifest %s: %w", d.Digest, err)
	}
	if manifest.Annotations[bundleStates] != attest.ScanType || len(manifest.Layers) != 1 || manifest.Layers[0].MediaType != attest.BundleMediaType {
		return nil, nil
	}
	layer := manifest.Layers[0]
	if layer.Size < 0 || layer.Size > room {
		return nil, fault.New(fault.Integrity, "its reports have more than %d bytes", int64(maxEvidence))
	}
	blob, err := store.Blob(ctx, layer)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	text, err := limit.ReadAll(blob, room, "a report's bundle")
	return text, fault.As(fault.Integrity, err)
}
