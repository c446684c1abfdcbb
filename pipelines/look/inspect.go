package look

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

// Inspected is what an artifact is made of and how it came about, as it was
// stated; of each kind of statement the newest counts.
type Inspected struct {
	Name   string `json:"name"`
	Digest string `json:"digest,omitempty"`
	File   string `json:"file,omitempty"`
	// Verified is true where the policy's signers vouch for all of it;
	// Reasons say why not.
	Verified bool     `json:"verified"`
	Reasons  []string `json:"reasons,omitempty"`
	Signers  []string `json:"signers,omitempty"`
	// Statements counts what is stated, by predicate type.
	Statements map[string]int     `json:"statements"`
	Provenance *intoto.Provenance `json:"provenance,omitempty"`
	Report     *scan.Report       `json:"report,omitempty"`
	Verdict    *gate.Verdict      `json:"verdict,omitempty"`
	Tests      *intoto.Tests      `json:"tests,omitempty"`
	// Lock is the lock as it was stated.
	Lock json.RawMessage `json:"lock,omitempty"`
	// SBOM is the CycloneDX document.
	SBOM json.RawMessage `json:"-"`
}

// Inspect reads what is stated about a target: where the policy's signers vouch
// for it, by them; else whatever is attached and can be read.
func (r Reader) Inspect(ctx context.Context, t Target) (Inspected, error) {
	all := Inspected{Name: t.Name, Digest: t.Digest, File: t.File, Statements: map[string]int{}}
	if len(r.Policy.Verify.SignedBy) > 0 {
		summary, err := r.Verify(ctx, t, Asked{})
		all.Verified, all.Reasons, all.Signers = err == nil, summary.Reasons, summary.Signers
		if err == nil {
			return all, all.takeAll(summary.Statements)
		}
		if len(summary.Reasons) == 0 {
			all.Reasons = []string{err.Error()}
		}
	} else {
		all.Reasons = []string{"no policy names whose signature counts"}
	}
	for _, text := range t.Bundles {
		v, err := attest.Unverified(text)
		if err == nil {
			err = all.takeAll([]attest.Verified{v})
		}
		if err != nil {
			all.Reasons = append(all.Reasons, "not shown: "+err.Error())
		}
	}
	return all, nil
}

func (i *Inspected) takeAll(statements []attest.Verified) error {
	for _, v := range statements {
		if err := i.take(v); err != nil {
			return fault.New(fault.Integrity, "reading %s: %w", v.PredicateType, err)
		}
		i.Statements[v.PredicateType]++
	}
	return nil
}

func (i *Inspected) take(v attest.Verified) error {
	switch v.PredicateType {
	case intoto.ProvenanceType:
		return newest(&i.Provenance, v.Predicate, func(a, b *intoto.Provenance) bool {
			return a.RunDetails.Metadata.FinishedOn.After(b.RunDetails.Metadata.FinishedOn)
		})
	case intoto.ScanType:
		return newest(&i.Report, v.Predicate, func(a, b *scan.Report) bool { return a.Scanned.After(b.Scanned) })
	case intoto.VerdictType:
		return newest(&i.Verdict, v.Predicate, func(a, b *gate.Verdict) bool { return a.Judged.After(b.Judged) })
	case intoto.TestsType:
		return newest(&i.Tests, v.Predicate, func(a, b *intoto.Tests) bool { return a.Ran.After(b.Ran) })
	case intoto.LockType:
		i.Lock = v.Predicate
	case intoto.CycloneDXType:
		i.SBOM = v.Predicate
	}
	return nil
}

// newest keeps the newer of what is there and what text says.
func newest[T any](kept **T, text json.RawMessage, newer func(a, b *T) bool) error {
	value := new(T)
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("decoding: %w", err)
	}
	if *kept == nil || newer(value, *kept) {
		*kept = value
	}
	return nil
}
