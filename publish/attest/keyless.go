package attest

import (
	"context"
	"crypto/x509"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/publish/keys"
	"github.com/bakelite/bakelite/publish/sigstore"
)

// Keyless says how to sign without a key of one's own.
type Keyless struct {
	// Token returns the OIDC token that names the signer.
	Token sigstore.TokenSource
	// Sigstore is the instance; the zero value is the public good one.
	Sigstore sigstore.Services
	// Fallback signs where the instance is out of reach; nil for nobody. What
	// it signed says so (Signed.Signer).
	Fallback keys.Signer
}

func signKeyless(ctx context.Context, order Order, k Keyless) (Signed, error) {
	by, err := k.signer(ctx, order.Subject)
	if err != nil {
		return Signed{}, err
	}
	return by.signAll(ctx, order)
}

// signer is whom the token names, for what is said about a subject.
func (k Keyless) signer(ctx context.Context, about intoto.Subject) (signer, error) {
	if k.Token == nil {
		return signer{}, fault.New(fault.Invalid, "keyless signing needs a token")
	}
	at, err := k.Sigstore.Open(ctx)
	if err != nil {
		return signer{}, err
	}
	token, err := k.Token(ctx)
	if err != nil {
		return signer{}, hintKey(err)
	}
	verifier, err := rootVerifier(at.Material)
	if err != nil {
		return signer{}, err
	}
	by, err := newIdentity(ctx, at, about, token)
	if err != nil {
		return signer{}, hintKey(sigstore.Redact(fault.As(fault.Policy, err), token))
	}
	by.self = trustedSigner{anybody: true, verifier: verifier}
	return by, nil
}

// newIdentity asks for the certificate at once: its identity says whose
// statements are reused.
func newIdentity(ctx context.Context, at sigstore.Instance, about intoto.Subject, token string) (signer, error) {
	c, err := at.Certify(ctx, token)
	if err != nil {
		return signer{}, err
	}
	identity, err := certified(c.DER)
	return signer{identity: identity, sign: func(s intoto.Statement) (Bundle, error) {
		b, err := makeBundle(about, s, c.Pair, c.Options(ctx))
		return b, hintKey(sigstore.Redact(fault.As(fault.Policy, err), token))
	}}, err
}

// certified is whom a certificate names; nothing is verified.
func certified(der []byte) (Identity, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return Identity{}, fault.New(fault.Integrity, "reading the certificate: %w", err)
	}
	summary, err := certificate.SummarizeCertificate(c)
	if err != nil {
		return Identity{}, fault.New(fault.Integrity, "reading the certificate: %w", err)
	}
	return Identity{Issuer: summary.Issuer, Subject: summary.SubjectAlternativeName}, nil
}

// hintKey tells what helps where Sigstore is out of reach.
func hintKey(err error) error {
	if fault.KindOf(err) != fault.Network {
		return err
	}
	return fault.Hint(err, "try again later, or sign with a key where Sigstore is out of reach: --key FILE --fallback-to-key")
}
