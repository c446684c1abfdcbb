package attest

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/publish/sigstore"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/publish/intoto"
)

// maxSkew is how far another machine's clock may be ahead of ours.
const maxSkew = 5 * time.Minute

// Want is what a bundle must be.
type Want struct {
	// Digest is the artifact's, as "sha256:…".
	Digest string
	// PredicateType is what must be stated; "" lets every type through.
	PredicateType string
	// Signers are those of whom one must have signed.
	Signers []policy.Signer
	// Dir is the folder that the files of Signers are below.
	Dir string
	// TUF is where the public trusted root comes from, for signers that name
	// none; no other signer needs the network.
	TUF sigstore.TUF
	// Now is the time that nothing may be ahead of.
	Now time.Time
}

// Verified is a statement whose signature, subject and signer held.
type Verified struct {
	PredicateType string
	// Predicate is what was stated, as JSON.
	Predicate json.RawMessage
	// Identity is who signed, Job the run of CI that did, by its certificate.
	Identity Identity
	Job      Job
	// SignedAt is the time that a log or a timestamp authority vouches for;
	// zero where a key signed.
	SignedAt time.Time
}

// Job is what a certificate says of the run that signed; all is empty where a
// key signed, or somebody who is no run.
type Job struct {
	// Source is the URL of the repository, Commit the full hash.
	Source, Commit string
	// Workflows are the URLs of what the run was described by: what started it,
	// and what signed, which differ where one workflow calls another.
	Workflows []string
}

// jobOf reads Fulcio's extensions.
func jobOf(c *certificate.Summary) Job {
	j := Job{Source: c.SourceRepositoryURI, Commit: c.SourceRepositoryDigest}
	for _, uri := range []string{c.BuildConfigURI, c.BuildSignerURI} {
		if uri != "" && !slices.Contains(j.Workflows, uri) {
			j.Workflows = append(j.Workflows, uri)
		}
	}
	return j
}

// Verify checks one bundle. It returns fault.Integrity where the bundle is
// broken or its signature does not hold, and fault.Policy where it is whole
// but not what was asked for.
func Verify(ctx context.Context, text []byte, want Want) (Verified, error) {
	if err := intoto.CheckDigest(want.Digest); err != nil {
		return Verified{}, err
	}
	trusted, err := newTrust(ctx, want.Signers, want.Dir, want.TUF)
	if err != nil {
		return Verified{}, err
	}
	o, err := openBundle(text)
	if err != nil {
		return Verified{}, err
	}
	if want.PredicateType != "" && o.Kind != want.PredicateType {
		return Verified{}, fault.New(fault.Policy, "it states %.100q, not %q", o.Kind, want.PredicateType)
	}
	return trusted.verify(o, want.Digest, want.Now)
}

// openedBundle is a bundle that was read; nothing in it was verified.
type openedBundle struct {
	intoto.Parsed
	bundle *bundle.Bundle
}

// openBundle reads a bundle. Only a DSSE envelope with an in-toto statement is one
// for us: a bare message signature does not say what it is a signature for.
func openBundle(text []byte) (openedBundle, error) {
	if len(text) > MaxBundle {
		return openedBundle{}, fault.New(fault.Policy, "the bundle has %d bytes, more than %d", len(text), MaxBundle)
	}
	var b bundle.Bundle
	if err := b.UnmarshalJSON(text); err != nil {
		return openedBundle{}, fault.New(fault.Integrity, "reading the bundle: %w", err)
	}
	envelope := b.GetDsseEnvelope()
	if envelope == nil {
		return openedBundle{}, fault.New(fault.Policy, "the bundle signs a message and states nothing")
	}
	if envelope.GetPayloadType() != intoto.PayloadType {
		return openedBundle{}, fault.New(fault.Integrity, "the bundle holds %.100q, not an in-toto statement", envelope.GetPayloadType())
	}
	p, err := intoto.Parse(envelope.GetPayload())
	if err != nil {
		return openedBundle{}, fault.As(fault.Integrity, err)
	}
	return openedBundle{Parsed: p, bundle: &b}, nil
}

// verify returns what o states where one trusted signer signed it for digest.
func (t trust) verify(o openedBundle, digest string, now time.Time) (Verified, error) {
	if !o.About(digest) {
		return Verified{}, fault.New(fault.Policy, "it is about another artifact than %s", digest)
	}
	content, err := o.bundle.VerificationContent()
	if err != nil {
		return Verified{}, fault.New(fault.Integrity, "reading the signer: %w", err)
	}
	var closest error
	for _, s := range t {
		if (s.public == nil) != (content.Certificate() != nil) {
			continue // s key does not answer for s certificate, nor the other way round
		}
		v, err := s.verify(o, digest, now)
		if err == nil {
			return v, nil
		}
		closest = closer(closest, err)
	}
	if closest == nil {
		closest = untrustedSigner{fault.New(fault.Policy, "it is not signed in the way of any allowed signer")}
	}
	return Verified{}, closest
}

// closer chooses the error to show: that a signature holds but is another's
// says more than that it does not hold under some key.
func closer(a, b error) error {
	if a == nil || fault.KindOf(a) == fault.KindOf(b) {
		return b
	}
	if fault.KindOf(a) == fault.Integrity && strings.Contains(b.Error(), noSuchKey) {
		return a
	}
	if strings.Contains(a.Error(), noSuchKey) {
		return b
	}
	if fault.KindOf(a) == fault.Policy {
		return a
	}
	return b
}

// untrustedSigner is the error of a bundle that somebody else signed: it says nothing
// to us, and nothing against the artifact.
type untrustedSigner struct{ error }

func (u untrustedSigner) Unwrap() error { return u.error }

const noSuchKey = "it is not signed by an allowed key"

func (s trustedSigner) verify(o openedBundle, digest string, now time.Time) (Verified, error) {
	raw, err := hex.DecodeString(strings.TrimPrefix(digest, "sha256:"))
	if err != nil {
		return Verified{}, fault.New(fault.Invalid, "reading a digest: %w", err)
	}
	who := verify.WithoutIdentitiesUnsafe() // accepts does that, with whole matches
	if s.public != nil {
		who = verify.WithKey()
	}
	result, err := s.verifier.Verify(o.bundle, verify.NewPolicy(verify.WithArtifactDigest("sha256", raw), who))
	if err != nil {
		return Verified{}, s.failure(o, err)
	}
	v := Verified{PredicateType: o.Kind, Predicate: o.Predicate, Identity: s.identity}
	if s.public != nil {
		return v, nil
	}
	if v.Identity, err = s.accepts(result.Signature.Certificate); err != nil {
		return Verified{}, err
	}
	v.Job = jobOf(result.Signature.Certificate)
	v.SignedAt, err = signedAt(result.VerifiedTimestamps, now)
	return v, err
}

// failure says why a signature does not hold. The hint in a bundle is only a
// hint: it tells a broken signature from another's, both of which are refused.
func (s trustedSigner) failure(o openedBundle, err error) error {
	if s.public != nil && o.bundle.GetVerificationMaterial().GetPublicKey().GetHint() != s.hint {
		return untrustedSigner{fault.New(fault.Policy, noSuchKey)}
	}
	return fault.New(fault.Integrity, "the signature does not hold: %w", err)
}

// accepts compares the identity in a certificate that was verified.
func (s trustedSigner) accepts(summary *certificate.Summary) (Identity, error) {
	got := Identity{Issuer: summary.Issuer, Subject: summary.SubjectAlternativeName}
	switch {
	case s.anybody:
	case got.Issuer != s.identity.Issuer:
		return Identity{}, untrustedSigner{fault.New(fault.Policy, "%q vouched for the signer, not %q", got.Issuer, s.identity.Issuer)}
	case s.matches != nil && !s.matches.MatchString(got.Subject):
		return Identity{}, untrustedSigner{fault.New(fault.Policy, "%q signed, who does not match %s", got.Subject, s.matches)}
	case s.matches == nil && got.Subject != s.identity.Subject:
		return Identity{}, untrustedSigner{fault.New(fault.Policy, "%q signed, not %q", got.Subject, s.identity.Subject)}
	}
	if got.Subject == "" || got.Issuer == "" {
		return Identity{}, fault.New(fault.Policy, "the certificate names nobody")
	}
	return got, nil
}

// signedAt returns the earliest time that was vouched for.
func signedAt(times []verify.TimestampVerificationResult, now time.Time) (time.Time, error) {
	var first time.Time
	for _, t := range times {
		if first.IsZero() || t.Timestamp.Before(first) {
			first = t.Timestamp.UTC()
		}
	}
	if first.IsZero() {
		return first, fault.New(fault.Integrity, "nobody vouches for the time of the signature")
	}
	if first.After(now.Add(maxSkew)) {
		return first, fault.New(fault.Policy, "it was signed at %s, which is yet to come", stamp(first))
	}
	return first, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// refusal gathers reasons, so that a user sees all of them at once.
type refusal struct {
	kind    fault.Kind
	reasons []string
}

func (r *refusal) add(kind fault.Kind, format string, args ...any) {
	if r.kind != fault.Integrity { // a broken signature is the worst there is
		r.kind = kind
	}
	r.reasons = append(r.reasons, fmt.Sprintf(format, args...))
}

// err returns all reasons as one error, or nil where there are none.
func (r *refusal) err(digest, hint string) error {
	if len(r.reasons) == 0 {
		return nil
	}
	return fault.Hint(fault.New(r.kind, "%s is refused:\n  %s", digest, strings.Join(r.reasons, "\n  ")), "%s", hint)
}

// About returns the digest of the artifact that a bundle says it is about. It
// verifies nothing: it is for a file whose artifact is not known yet.
func About(bundle []byte) (string, error) {
	o, err := openBundle(bundle)
	if err != nil {
		return "", err
	}
	digest := "sha256:" + o.Subjects[0].Digest["sha256"]
	return digest, intoto.CheckDigest(digest)
}

// Unverified reads what a bundle states without asking who signed it: for
// showing, never for deciding.
func Unverified(bundle []byte) (Verified, error) {
	o, err := openBundle(bundle)
	return Verified{PredicateType: o.Kind, Predicate: o.Predicate}, err
}
