package attest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/bakelite/bakelite/publish/keys"

	"github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/scan/gate"
)

// Verdict states what the gate said.
func Verdict(v gate.Verdict) intoto.Statement {
	return intoto.Statement{PredicateType: intoto.VerdictType, Predicate: v}
}

// Order is what to sign, and for whom it must hold.
type Order struct {
	// Passed is the gate's proof; its digest must be the subject's.
	Passed gate.Passed
	// Subject is the artifact.
	Subject intoto.Subject
	// Statements are signed after the signature, in this order.
	Statements []intoto.Statement
	// Attached are bundles that are attached to the subject already, as they
	// were read. One that says what would be signed now, by who would sign it,
	// is reused: see Lasting. Others are passed over.
	Attached [][]byte
	// Want is what users will ask for. Digest is set from Subject, and
	// AcceptReported from the verdict in Passed. Where Verify names no signer
	// the one who signs counts.
	Want All
}

// Signer signs: a key, or an identity without one. The zero value signs
// nothing.
type Signer struct {
	key     keys.Signer
	keyless *Keyless
}

// ByKey signs with a key and reaches no network, but for the key's own.
func ByKey(key keys.Signer) Signer { return Signer{key: key} }

// ByIdentity signs as whom an OIDC token names, with a key that is thrown away.
func ByIdentity(k Keyless) Signer { return Signer{keyless: &k} }

// Made says whether a signer by that name, as Signed.Signer gives it, may be
// this one. A key is known by its public half; whom a token names is not known
// before a certificate is asked for.
func (s Signer) Made(name string) (bool, error) {
	key := s.key
	if s.keyless != nil {
		if !strings.HasPrefix(name, keyPrefix) {
			return true, nil
		}
		key = s.keyless.Fallback
	}
	if key == nil {
		return false, nil
	}
	ours, err := keys.Fingerprint(key.Public())
	if err != nil {
		return false, err
	}
	said, _, _ := strings.Cut(name, ",") // what follows says that it was the fallback
	return said == keyPrefix+ours, nil
}

// Sign signs an artifact that passed, and every statement about it that is
// not reused, and then verifies all of it as a user with order.Want would: what
// we would refuse is not handed out. Where what is reused is in the way of that,
// everything is signed. A keyless signer whose services are out of reach gives a
// fault.Network, or signs everything with its fallback key.
func Sign(ctx context.Context, order Order, by Signer) (Signed, error) {
	if err := order.check(); err != nil {
		return Signed{}, err
	}
	order.Want.Digest = order.Subject.Digest
	order.Want.AcceptReported = order.Passed.Verdict().Outcome == gate.OutcomeReported
	switch {
	case by.key != nil:
		return signByKey(ctx, order, by.key)
	case by.keyless == nil:
		return Signed{}, nobody()
	}
	signed, err := signKeyless(ctx, order, *by.keyless)
	if fault.KindOf(err) != fault.Network || by.keyless.Fallback == nil {
		return signed, err
	}
	signed, fallback := signByKey(ctx, order, by.keyless.Fallback)
	if fallback != nil {
		return Signed{}, fmt.Errorf("signing with the fallback key: %w (after: %w)", fallback, err)
	}
	signed.signer += ", the fallback, since Sigstore was out of reach"
	return signed, nil
}

func nobody() error {
	return fault.Hint(fault.New(fault.Invalid, "there is nothing to sign with"), "name a signing key, or sign keyless in CI")
}

func (o Order) check() error {
	if err := intoto.CheckDigest(o.Subject.Digest); err != nil {
		return err
	}
	if len(o.Subject.Files) >= intoto.MaxSubjects {
		return fault.New(fault.Internal, "%d files are more than %d", len(o.Subject.Files), intoto.MaxSubjects-1)
	}
	for _, f := range o.Subject.Files {
		if err := intoto.CheckDigest(f.Digest); err != nil {
			return err
		}
	}
	if o.Passed.Digest() == "" {
		return fault.New(fault.Policy, "%s did not pass the gate", o.Subject.Digest)
	}
	if o.Passed.Digest() != o.Subject.Digest {
		return fault.New(fault.Policy, "the gate let %s through, not %s", o.Passed.Digest(), o.Subject.Digest)
	}
	if len(o.Statements) >= MaxBundles {
		return fault.New(fault.Internal, "%d statements are more than %d", len(o.Statements), MaxBundles-1)
	}
	for _, s := range o.Statements {
		if s.PredicateType == intoto.SignatureType {
			return fault.New(fault.Internal, "the signature is Sign's to make")
		}
	}
	return nil
}

func signByKey(ctx context.Context, order Order, key keys.Signer) (Signed, error) {
	by, err := keySigner(ctx, order.Subject, key)
	if err != nil {
		return Signed{}, err
	}
	return by.signAll(ctx, order)
}

// keySigner is a key, for what is said about a subject.
func keySigner(ctx context.Context, about intoto.Subject, key keys.Signer) (signer, error) {
	pair, err := keys.NewPair(key)
	if err != nil {
		return signer{}, err
	}
	self, err := trustedKey(key.Public())
	return signer{identity: self.identity, self: self, sign: func(s intoto.Statement) (Bundle, error) {
		return makeBundle(about, s, pair, sign.BundleOptions{Context: ctx})
	}}, err
}

// signer signs an order.
type signer struct {
	identity Identity
	// self trusts identity, where the policy names nobody.
	self trustedSigner
	sign func(intoto.Statement) (Bundle, error)
}

// signAll signs the signature and then each statement, but for those that
// are reused.
func (s signer) signAll(ctx context.Context, order Order) (Signed, error) {
	trusted, err := order.trusted(ctx, s.self)
	if err != nil {
		return Signed{}, err
	}
	if err := trusted.refuseRevoked(ctx, order); err != nil {
		return Signed{}, err
	}
	all := append([]intoto.Statement{{PredicateType: intoto.SignatureType, Predicate: struct{}{}}}, order.Statements...)
	bundles := trusted.reused(order, all, s.identity)
	for {
		if err := s.fill(bundles, all); err != nil {
			return Signed{}, err
		}
		signed, err := trusted.prove(ctx, order, bundles)
		if err == nil || ctx.Err() != nil || !clearReused(bundles) {
			return signed, err
		}
	}
}

// fill signs each statement that has no bundle yet.
func (s signer) fill(bundles []Bundle, all []intoto.Statement) error {
	for i, one := range all {
		if bundles[i].JSON != nil {
			continue
		}
		var err error
		if bundles[i], err = s.sign(one); err != nil {
			return fmt.Errorf("signing %s: %w", one.PredicateType, err)
		}
	}
	return nil
}

// clearReused empties the bundles that are reused and says whether there were
// any.
func clearReused(bundles []Bundle) (cleared bool) {
	for i, b := range bundles {
		if b.Reused {
			bundles[i], cleared = Bundle{}, true
		}
	}
	return cleared
}

func makeBundle(about intoto.Subject, s intoto.Statement, pair sign.Keypair, options sign.BundleOptions) (Bundle, error) {
	payload, err := intoto.Encode(about, s)
	if err != nil {
		return Bundle{}, err
	}
	made, err := sign.Bundle(&sign.DSSEData{Data: payload, PayloadType: intoto.PayloadType}, pair, options)
	if err != nil {
		return Bundle{}, err
	}
	text, err := protojson.Marshal(made)
	if err != nil {
		return Bundle{}, fault.New(fault.Internal, "encoding the bundle: %w", err)
	}
	var compact bytes.Buffer // protojson's white space differs from build to build
	if err := json.Compact(&compact, text); err != nil {
		return Bundle{}, fault.New(fault.Internal, "encoding the bundle: %w", err)
	}
	return Bundle{PredicateType: s.PredicateType, JSON: compact.Bytes()}, nil
}

// trusted is whom the order's users trust; where their policy names nobody,
// who signs.
func (o Order) trusted(ctx context.Context, self trustedSigner) (trust, error) {
	if len(o.Want.Verify.SignedBy) == 0 {
		return trust{self}, nil
	}
	return newTrust(ctx, o.Want.Verify.SignedBy, o.Want.Dir, o.Want.TUF)
}

// prove verifies all bundles as a user would, and only then makes a Signed.
func (t trust) prove(ctx context.Context, order Order, bundles []Bundle) (Signed, error) {
	texts := make([][]byte, len(bundles))
	for i, b := range bundles {
		texts[i] = b.JSON
	}
	summary, err := t.verifyAll(ctx, texts, order.Want)
	if err != nil {
		return Signed{}, fault.Hint(fault.New(fault.KindOf(err), "what was just signed would be refused: %w", err),
			"sign with a key or identity that the policy's verify.signedBy names, and give all that verify asks for")
	}
	if uncounted := append(summary.Broken, summary.Untrusted...); len(uncounted) > 0 {
		return Signed{}, fault.New(fault.Internal, "of what was just signed some would not count: %s", strings.Join(uncounted, "; "))
	}
	return Signed{digest: order.Subject.Digest, signer: summary.Signers[0], bundles: bundles}, nil
}
