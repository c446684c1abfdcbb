package attest

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
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

// Sigstore is an instance of Sigstore. With all addresses empty they come from
// TUF, as the public instance publishes them; else Fulcio, Root and at least
// one of Rekor and Timestamp must be given.
type Sigstore struct {
	// Fulcio is the certificate authority's URL.
	Fulcio string
	// Rekor is the log's URL, and RekorVersion its API: 1, the default, or 2
	// for tiles, which needs Timestamp as well.
	Rekor        string
	RekorVersion uint32
	// Timestamp is the timestamp authority's whole URL.
	Timestamp string
	// Root is the instance's trusted root, as JSON.
	Root []byte
	// TUF is where the public instance is looked up.
	TUF TUF
}

// instance is a Sigstore that is ready to sign.
type instance struct {
	fulcio     string
	logs       []sign.Transparency
	timestamps []*sign.TimestampAuthority
	material   root.TrustedMaterial
}

func (s Sigstore) open(ctx context.Context) (instance, error) {
	if s.Fulcio == "" && s.Rekor == "" && s.Timestamp == "" && len(s.Root) == 0 {
		return s.TUF.instance(ctx)
	}
	if err := s.check(); err != nil {
		return instance{}, err
	}
	material, err := parseTrustedRoot(s.Root, "given")
	if err != nil {
		return instance{}, err
	}
	i := instance{fulcio: s.Fulcio, material: material}
	if s.Rekor != "" {
		i.logs = []sign.Transparency{newLog(s.Rekor, s.RekorVersion)}
	}
	if s.Timestamp != "" {
		i.timestamps = []*sign.TimestampAuthority{newTimestamp(ctx, s.Timestamp)}
	}
	return i, nil
}

func (s Sigstore) check() error {
	if s.Fulcio == "" || len(s.Root) == 0 || s.Rekor == "" && s.Timestamp == "" {
		return fault.New(fault.Invalid, "a private Sigstore needs the addresses of Fulcio and of Rekor or a timestamp authority, and its trusted root")
	}
	if !slices.Contains([]uint32{0, 1, 2}, s.RekorVersion) || s.RekorVersion == 2 && s.Timestamp == "" {
		return fault.New(fault.Invalid, "Rekor's API has the versions 1 and 2, and version 2 needs a timestamp authority")
	}
	for _, address := range []string{s.Fulcio, s.Rekor, s.Timestamp} {
		if u, err := url.Parse(address); address != "" && (err != nil || !private(u)) {
			return fault.New(fault.Invalid, "%q is not an https address", address)
		}
	}
	return nil
}

func newLog(address string, version uint32) sign.Transparency {
	return retryingLog{sign.NewRekor(&sign.RekorOptions{BaseURL: address, Version: version, Timeout: attemptTime})}
}

func newTimestamp(ctx context.Context, address string) *sign.TimestampAuthority {
	return sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{
		URL: address, Timeout: -1, Transport: retrying(ctx, "the timestamp authority"),
	})
}

// instance looks up the public instance, or a mirror's.
func (t TUF) instance(ctx context.Context) (instance, error) {
	material, err := t.trustedRoot(ctx)
	if err != nil {
		return instance{}, err
	}
	config, err := t.signingConfig(ctx)
	if err != nil {
		return instance{}, err
	}
	now := time.Now()
	fulcio, err := root.SelectService(config.FulcioCertificateAuthorityURLs(), sign.FulcioAPIVersions, now)
	if err != nil {
		return instance{}, fault.New(fault.Network, "choosing a certificate authority: %w", err)
	}
	logs, err := root.SelectServices(config.RekorLogURLs(), config.RekorLogURLsConfig(), sign.RekorAPIVersions, now)
	if err != nil {
		return instance{}, fault.New(fault.Network, "choosing a log: %w", err)
	}
	stamps, err := root.SelectServices(config.TimestampAuthorityURLs(), config.TimestampAuthorityURLsConfig(), sign.TimestampAuthorityAPIVersions, now)
	if err != nil {
		return instance{}, fault.New(fault.Network, "choosing a timestamp authority: %w", err)
	}
	i := instance{fulcio: fulcio.URL, material: material}
	for _, log := range logs {
		i.logs = append(i.logs, newLog(log.URL, log.MajorAPIVersion))
	}
	for _, stamp := range stamps {
		i.timestamps = append(i.timestamps, newTimestamp(ctx, stamp.URL))
	}
	return i, nil
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
	o.der = der
	return der, err
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
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fault.Hint(fault.As(fault.Policy, err), "give a signing key to fall back to, or try again later")
}
