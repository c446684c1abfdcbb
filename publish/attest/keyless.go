package attest

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/sign"

	"github.com/bakelite/bakelite/internal/fault"
)

// Keyless says how to sign without a key of one's own.
type Keyless struct {
	// Token returns the OIDC token that names the signer.
	Token TokenSource
	// Sigstore is the instance; the zero value is the public good one.
	Sigstore Sigstore
	// Fallback signs where the instance is out of reach; nil for nobody. What
	// it signed says so (Signed.Signer).
	Fallback KeySigner
}

func newLog(address string, version uint32) sign.Transparency {
	return retryingLog{sign.NewRekor(&sign.RekorOptions{BaseURL: address, Version: version, Timeout: attemptTime})}
}

func newTimestamp(ctx context.Context, address string) *sign.TimestampAuthority {
	return sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{
		URL: address, Timeout: -1, Transport: retrying(ctx, "the timestamp authority"),
	})
}

// oneCertificate asks Fulcio once, and gives all statements of one Sign the
// same certificate, which holds for ten minutes.
type oneCertificate struct {
	from sign.CertificateProvider
	der  []byte
}

// GetCertificate returns the certificate in DER.
func (o *oneCertificate) GetCertificate(ctx context.Context, pair sign.Keypair, options *sign.CertificateProviderOptions) ([]byte, error) {
	if o.der != nil {
		return o.der, nil
	}
	der, err := o.from.GetCertificate(ctx, pair, options)
	if err != nil {
		return nil, hintToken(fault.As(fault.Policy, err), options.IDToken)
	}
	o.der = der
	return der, nil
}

func signKeyless(ctx context.Context, order Order, k Keyless) (Signed, error) {
	if k.Token == nil {
		return Signed{}, fault.New(fault.Invalid, "keyless signing needs a token")
	}
	at, err := k.Sigstore.instance(ctx)
	if err != nil {
		return Signed{}, err
	}
	token, err := k.Token(ctx)
	if err != nil {
		return Signed{}, hintKey(err)
	}
	verifier, err := rootVerifier(at.material)
	if err != nil {
		return Signed{}, err
	}
	by, err := at.signer(ctx, order, token)
	if err != nil {
		return Signed{}, hintKey(redact(fault.As(fault.Policy, err), token))
	}
	by.self = trustedSigner{anybody: true, verifier: verifier}
	return by.signAll(ctx, order)
}

// signer asks for the certificate at once: its identity says whose statements
// are reused.
func (i instance) signer(ctx context.Context, order Order, token string) (signer, error) {
	pair, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		return signer{}, fault.New(fault.Internal, "making a key: %w", err)
	}
	fulcio := &oneCertificate{from: sign.NewFulcio(&sign.FulcioOptions{BaseURL: i.fulcio, Timeout: -1, Transport: retrying(ctx, "Fulcio")})}
	asking := &sign.CertificateProviderOptions{IDToken: token}
	der, err := fulcio.GetCertificate(ctx, pair, asking)
	if err != nil {
		return signer{}, fmt.Errorf("asking for a certificate: %w", err)
	}
	identity, err := certified(der)
	return signer{identity: identity, sign: func(s Statement) (Bundle, error) {
		b, err := makeBundle(order.Subject, s, pair, sign.BundleOptions{
			Context:                    ctx,
			CertificateProvider:        fulcio,
			CertificateProviderOptions: asking,
			TimestampAuthorities:       i.timestamps,
			TransparencyLogs:           i.logs,
		})
		return b, hintKey(redact(fault.As(fault.Policy, err), token))
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

// hintToken tells what may be wrong with a token that was refused.
func hintToken(err error, token string) error {
	if fault.KindOf(err) != fault.Policy {
		return err
	}
	return fault.Hint(err, "%s", explainToken(token, time.Now()))
}
