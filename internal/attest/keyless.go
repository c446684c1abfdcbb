package attest

import (
	"context"
	"time"

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
	at, err := k.Sigstore.open(ctx)
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
	bundles, err := at.bundles(ctx, order, token)
	if err != nil {
		return Signed{}, hintKey(redact(fault.As(fault.Policy, err), token))
	}
	return proveSigned(ctx, order, bundles, ally{anybody: true, verifier: verifier})
}

func (i instance) bundles(ctx context.Context, order Order, token string) ([]Bundle, error) {
	pair, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		return nil, fault.New(fault.Internal, "making a key: %w", err)
	}
	fulcio := &oneCertificate{from: sign.NewFulcio(&sign.FulcioOptions{BaseURL: i.fulcio, Timeout: -1, Transport: retrying(ctx, "Fulcio")})}
	return makeBundles(order, pair, func() sign.BundleOptions {
		return sign.BundleOptions{
			Context:                    ctx,
			CertificateProvider:        fulcio,
			CertificateProviderOptions: &sign.CertificateProviderOptions{IDToken: token},
			TimestampAuthorities:       i.timestamps,
			TransparencyLogs:           i.logs,
		}
	})
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
