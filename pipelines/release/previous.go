package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/scan"
)

const (
	// maxEvidence bounds the earlier reports of one digest that are read one
	// by one, in bytes all together: half of what verifiers read. It gets one
	// with each newer database that it is published by, and one of a thousand
	// packages has half a megabyte.
	maxEvidence = 256 << 20
	// maxClockSkew is how far the clock that dated a report may be ahead.
	maxClockSkew = 5 * time.Minute
)

// earlierReport is the newest report of what a subject's moving name leads to
// now, verified as the policy asks; it is zero where nothing is there yet.
func (p Publisher) earlierReport(ctx context.Context, s subject) (scan.Report, error) {
	store, _, err := registry.Open(s.repository, p.Registry)
	if err != nil {
		return scan.Report{}, err
	}
	old, err := registry.Resolve(ctx, store, registry.Tag)
	if errors.Is(err, registry.ErrNotFound) {
		return scan.Report{}, nil
	}
	if err == nil && len(p.Policy.Verify.SignedBy) == 0 {
		err = errors.New("the policy names nobody whose signature counts; name the key or identity that publishes under verify.signedBy")
	}
	var r scan.Report
	if err == nil {
		r, err = p.newestReport(ctx, store, old)
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
func (p Publisher) newestReport(ctx context.Context, store registry.Reader, of registry.Manifest) (scan.Report, error) {
	referrers, err := store.Referrers(ctx, of.Digest)
	if err != nil {
		return scan.Report{}, err
	}
	var newest scan.Report
	why, reports := errors.New("no scan report is attached"), 0
	for a, err := range publish.ReadAttached(ctx, store, referrers, []string{intoto.ScanType}, maxEvidence) {
		if err != nil {
			return scan.Report{}, err
		}
		if reports++; reports > attest.MaxBundles {
			return scan.Report{}, fault.New(fault.Integrity, "more than %d reports are attached", attest.MaxBundles)
		}
		v, err := attest.Verify(ctx, a.JSON, attest.Want{
			Digest: of.Digest.String(), PredicateType: intoto.ScanType, Signers: p.Policy.Verify.SignedBy, Dir: p.Policy.Dir, TUF: p.TUF, Now: time.Now(),
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
