package attest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bakelite/bakelite/publish/sigstore"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/publish/intoto"
)

// defaultReportAge is what policy.Verify promises where MaxReportAge is 0.
const defaultReportAge = 720 * time.Hour

// All is what the bundles of one artifact must be together.
type All struct {
	// Digest is the artifact's, as "sha256:…".
	Digest string
	// File is the digest of one of the artifact's files that every statement
	// must be about as well; "" for none.
	File string
	// Names are what it may be, by the name that it was asked for under; none
	// lets every app and kind through.
	Names []Name
	// MinVersion is the least version that it must have been published as, ""
	// for any; Since the time that it must not be older than.
	MinVersion string
	Since      time.Time
	// Unread is why what is attached besides could not be read. It does not
	// count, and is said where something is missing.
	Unread []error
	// Verify is what the policy asks for.
	Verify policy.Verify
	// Dir is the policy's folder, which the files of its signers are below.
	Dir string
	// TUF is where the public trusted root comes from.
	TUF sigstore.TUF
	// AcceptReported counts a verdict as passed that a report-only gate made.
	AcceptReported bool
	// Now is the time that ages are counted from.
	Now time.Time

	// releasers are those whose revocations count, beside those of Verify.
	releasers trust
}

// Summary is what the bundles of an artifact say. It is filled as far as they
// hold even where VerifyAll returns an error.
type Summary struct {
	Digest string
	// App and Kind are what it is, Version what it was published as, and Policy
	// the digest of what the newest verdict judged by; "" where nobody says so.
	App, Kind, Version, Policy string
	// Signers are those who signed, sorted.
	Signers []string
	// Statements are those that hold, in the order of the bundles.
	Statements []Verified
	// Ignored are the predicate types that nobody asked for, sorted.
	Ignored []string
	// Untrusted say how many statements others signed, and why those do not
	// count, sorted: anybody who may write to a registry can add some.
	Untrusted []string
	// Judged and Scanned are the dates of the newest verdict and report.
	Judged, Scanned time.Time
	// Broken say which bundles do not count because they cannot be read, do not
	// hold or are about something else: anybody can add those too.
	Broken []string
	// Revoked say why it is not to be run any more, and who says so.
	Revoked []string
	// Reasons say why the artifact is refused, all of them.
	Reasons []string
}

// VerifyAll checks all bundles of an artifact against a policy: of what is
// signed by an allowed signer and about this digest, there are a signature, an
// SBOM, provenance, a lock, results of tests, and a verdict that passed, and they
// speak of what was asked for. What else is attached does not count, and where
// something is missing it is named. It returns all reasons at once: as
// fault.Integrity where what is attached is broken, else as
// fault.Policy. Who can delete from a registry can hide a newer failing
// verdict; the age limit bounds for how long that helps.
func VerifyAll(ctx context.Context, bundles [][]byte, want All) (Summary, error) {
	if err := intoto.CheckDigest(want.Digest); err != nil {
		return Summary{}, err
	}
	if want.File != "" {
		if err := intoto.CheckDigest(want.File); err != nil {
			return Summary{}, err
		}
	}
	if len(want.Verify.SignedBy) == 0 {
		return Summary{}, fault.Hint(fault.New(fault.Invalid, "the policy names nobody whose signature counts"),
			"add a key or an identity under verify.signedBy")
	}
	trusted, err := newTrust(ctx, want.Verify.SignedBy, want.Dir, want.TUF)
	if err != nil {
		return Summary{}, err
	}
	if want.releasers, err = newTrust(ctx, want.Verify.ReleasedBy, want.Dir, want.TUF); err != nil {
		return Summary{}, err
	}
	return trusted.verifyAll(ctx, bundles, want)
}

func (t trust) verifyAll(ctx context.Context, bundles [][]byte, want All) (Summary, error) {
	if len(bundles) > MaxBundles {
		return Summary{}, fault.New(fault.Policy, "the artifact has %d bundles, more than %d", len(bundles), MaxBundles)
	}
	s, r, broken := Summary{Digest: want.Digest}, &refusal{}, &refusal{}
	for _, err := range want.Unread {
		broken.add(fault.KindOf(err), "%v", err)
	}
	for i, text := range bundles {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		t.collect(&s, broken, fmt.Sprintf("bundle %d", i+1), text, want)
	}
	slices.Sort(s.Signers)
	s.Signers = slices.Compact(s.Signers)
	slices.Sort(s.Ignored)
	s.Untrusted = counted(s.Untrusted)
	s.Broken = broken.reasons
	s.judge(r, want)
	if len(r.reasons) > 0 { // what does not count may be what is missing
		for _, reason := range s.Untrusted {
			r.add(fault.Policy, "%s", reason)
		}
		for _, reason := range s.Broken {
			r.add(broken.kind, "%s", reason)
		}
	}
	s.Reasons = r.reasons
	return s, r.err(want.Digest, "do not run it; ask its makers for one that is signed as your policy asks")
}

// collect verifies one bundle, and passes over what nobody asks for and what
// does not hold.
func (t trust) collect(s *Summary, broken *refusal, name string, text []byte, want All) {
	o, err := openBundle(text)
	if err != nil {
		broken.add(fault.KindOf(err), "%s: %v", name, err)
		return
	}
	if o.Kind == intoto.RevocationType {
		slices.Concat(t, want.releasers).takeRevocation(s, o, want)
		return
	}
	if !slices.Contains(knownTypes(), o.Kind) {
		s.Ignored = append(s.Ignored, o.Kind)
		return
	}
	v, err := t.verify(o, want.Digest, want.Now)
	if err == nil && want.File != "" && !o.About(want.File) {
		err = fault.New(fault.Policy, "it is about another file than %s", want.File)
	}
	if other := (untrustedSigner{}); errors.As(err, &other) {
		s.Untrusted = append(s.Untrusted, o.claimed(err))
		return
	}
	if err != nil {
		broken.add(fault.KindOf(err), "%s (%s): %v", name, o.Kind, err)
		return
	}
	s.Statements = append(s.Statements, v)
	s.Signers = append(s.Signers, v.Identity.String())
}

// claimed names the key that an untrusted signer's bundle claims, or else says err.
func (o openedBundle) claimed(err error) string {
	sum, bad := base64.StdEncoding.DecodeString(o.bundle.GetVerificationMaterial().GetPublicKey().GetHint())
	if bad != nil || len(sum) != sha256.Size {
		return ": " + err.Error()
	}
	return fmt.Sprintf(" by %s, which the policy does not name", Identity{Key: fmt.Sprintf("sha256:%x", sum)})
}

// counted says each thing that is said of statements once, with their number.
func counted(said []string) []string {
	number := map[string]int{}
	for _, one := range said {
		number[one]++
	}
	var all []string
	for _, one := range slices.Sorted(maps.Keys(number)) {
		noun := "statement"
		if number[one] > 1 {
			noun = "statements"
		}
		all = append(all, fmt.Sprintf("%d %s%s", number[one], noun, one))
	}
	return all
}

func knownTypes() []string {
	return []string{intoto.SignatureType, intoto.ProvenanceType, intoto.CycloneDXType, intoto.SPDXType, intoto.ScanType, intoto.VerdictType, intoto.TestsType, intoto.LockType}
}

// of returns the statements of some types.
func (s *Summary) of(kinds ...string) []Verified {
	var found []Verified
	for _, v := range s.Statements {
		if slices.Contains(kinds, v.PredicateType) {
			found = append(found, v)
		}
	}
	return found
}

// judge compares what holds with what the policy asks for.
func (s *Summary) judge(r *refusal, want All) {
	for _, why := range s.Revoked {
		r.add(fault.Policy, "%s", why)
	}
	if len(s.of(intoto.SignatureType)) == 0 {
		r.add(fault.Policy, "there is no signature (%s) by an allowed signer", intoto.SignatureType)
	}
	if !want.Verify.WithoutSBOM && len(s.of(intoto.CycloneDXType, intoto.SPDXType)) == 0 {
		r.add(fault.Policy, "there is no SBOM (%s or %s) by an allowed signer", intoto.CycloneDXType, intoto.SPDXType)
	}
	if !want.Verify.WithoutProvenance {
		s.judgeProvenance(r, want.Verify)
	}
	s.judgeName(r, want)
	s.judgeVersion(r, want)
	s.judgeVerdict(r, want)
	s.judgeReport(r, want)
	if !want.Verify.WithoutLock && len(s.of(intoto.LockType)) == 0 {
		r.add(fault.Policy, "there is no lock (%s) by an allowed signer", intoto.LockType)
	}
	if !want.Verify.WithoutTests && len(s.of(intoto.TestsType)) == 0 {
		r.add(fault.Policy, "there are no results of tests (%s) by an allowed signer", intoto.TestsType)
	}
}
