package sigstore

import (
	"context"
	"fmt"
	"time"

	"github.com/sigstore/sigstore-go/pkg/sign"

	"github.com/bakelite/bakelite/internal/fault"
)

// Certificate is whom a token names, with a key that is thrown away.
type Certificate struct {
	// DER is the certificate, which holds for ten minutes; nothing of it was
	// verified.
	DER []byte
	// Pair signs as whom the certificate names.
	Pair    sign.Keypair
	options sign.BundleOptions
}

// Certify asks for a certificate, once. A refused token is fault.Policy with
// what may be wrong with it, a Fulcio out of reach fault.Network.
func (i Instance) Certify(ctx context.Context, token string) (Certificate, error) {
	pair, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		return Certificate{}, fault.New(fault.Internal, "making a key: %w", err)
	}
	fulcio := &oneCertificate{from: sign.NewFulcio(&sign.FulcioOptions{BaseURL: i.fulcio, Timeout: -1, Transport: retrying(ctx, "Fulcio")})}
	asking := &sign.CertificateProviderOptions{IDToken: token}
	der, err := fulcio.GetCertificate(ctx, pair, asking)
	if err != nil {
		return Certificate{}, fmt.Errorf("asking for a certificate: %w", err)
	}
	return Certificate{DER: der, Pair: pair, options: sign.BundleOptions{
		CertificateProvider: fulcio, CertificateProviderOptions: asking, TimestampAuthorities: i.timestamps, TransparencyLogs: i.logs,
	}}, nil
}

// Options are what each bundle is signed with.
func (c Certificate) Options(ctx context.Context) sign.BundleOptions {
	o := c.options
	o.Context = ctx
	return o
}

// oneCertificate asks Fulcio once, and gives all statements the same
// certificate.
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

// hintToken tells what may be wrong with a token that was refused.
func hintToken(err error, token string) error {
	if fault.KindOf(err) != fault.Policy {
		return err
	}
	return fault.Hint(err, "%s", explainToken(token, time.Now()))
}

func newLog(address string, version uint32) sign.Transparency {
	return retryingLog{sign.NewRekor(&sign.RekorOptions{BaseURL: address, Version: version, Timeout: attemptTime})}
}

func newTimestamp(ctx context.Context, address string) *sign.TimestampAuthority {
	return sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{
		URL: address, Timeout: -1, Transport: retrying(ctx, "the timestamp authority"),
	})
}
