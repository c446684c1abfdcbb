package attest

import (
	"context"
	"crypto"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/bakelite/bakelite/publish/sigstore"

	"github.com/bakelite/bakelite/publish/keys"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/regular"
)

// Identity is who signed: a key, or a subject that an OIDC issuer vouched for.
type Identity struct {
	// Key is the SHA-256 of the public key's PKIX form, "sha256:…".
	Key     string `json:"key,omitempty"`
	Issuer  string `json:"issuer,omitempty"`
	Subject string `json:"subject,omitempty"`
}

// String names the signer in one line.
func (i Identity) String() string {
	if i.Key != "" {
		return keyPrefix + i.Key
	}
	return fmt.Sprintf("%s (by %s)", i.Subject, i.Issuer)
}

// keyPrefix begins the name of a signer that is a key.
const keyPrefix = "key "

// trustedSigner is one signer whose signature counts.
type trustedSigner struct {
	identity Identity // what is asked for
	public   crypto.PublicKey
	check    signature.Verifier // of public
	hint     string
	matches  *regexp.Regexp // the whole subject, instead of identity.Subject
	anybody  bool           // every identity of the root counts
	verifier *verify.Verifier
}

// trust is who is trusted; one of them must have signed.
type trust []trustedSigner

// newTrust reads the keys and roots that signers name, below dir.
func newTrust(ctx context.Context, signers []policy.Signer, dir string, tuf sigstore.TUF) (trust, error) {
	var t trust
	for i, s := range signers {
		one, err := newTrustedSigner(ctx, s, dir, tuf)
		if err != nil {
			return nil, fmt.Errorf("reading signer %d: %w", i+1, err)
		}
		t = append(t, one)
	}
	return t, nil
}

func newTrustedSigner(ctx context.Context, s policy.Signer, dir string, tuf sigstore.TUF) (trustedSigner, error) {
	if s.Key != "" {
		text, err := readBelow(dir, s.Key, keys.MaxSize)
		if err != nil {
			return trustedSigner{}, err
		}
		public, err := keys.ParsePublic(text)
		if err != nil {
			return trustedSigner{}, fault.New(fault.Invalid, "reading %s: %w", s.Key, err)
		}
		return trustedKey(public)
	}
	if s.Issuer == "" || (s.Subject == "") == (s.SubjectMatches == "") {
		return trustedSigner{}, fault.New(fault.Invalid, "a signer is a key, or an issuer with one of subject and subjectMatches")
	}
	whole, err := wholeMatch(s.SubjectMatches)
	if err != nil {
		return trustedSigner{}, err
	}
	material, err := trustedRoot(ctx, s.TrustedRoot, dir, tuf)
	if err != nil {
		return trustedSigner{}, err
	}
	verifier, err := rootVerifier(material)
	return trustedSigner{identity: Identity{Issuer: s.Issuer, Subject: s.Subject}, matches: whole, verifier: verifier}, err
}

// wholeMatch compiles an expression so that it matches whole texts alone; nil
// for "". It is compiled by itself first, as "a)|(b" would break out.
func wholeMatch(expression string) (*regexp.Regexp, error) {
	if expression == "" {
		return nil, nil
	}
	if _, err := regexp.Compile(expression); err != nil {
		return nil, fault.New(fault.Invalid, "reading subjectMatches: %w", err)
	}
	whole, err := regexp.Compile(`\A(?:` + expression + `)\z`)
	if err != nil {
		return nil, fault.New(fault.Invalid, "reading subjectMatches: %w", err)
	}
	return whole, nil
}

// readBelow reads a file below dir; names and links that lead out are refused.
func readBelow(dir, name string, max int64) ([]byte, error) {
	if !filepath.IsLocal(name) {
		return nil, fault.New(fault.Invalid, "%s is not below the policy file's folder", name)
	}
	folder, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fault.New(fault.Missing, "opening the policy's folder: %w", err)
	}
	defer folder.Close()
	file, err := regular.OpenIn(folder, name)
	if err != nil {
		return nil, fault.New(fault.Missing, "opening %s: %w", name, err)
	}
	defer file.Close()
	text, err := limit.ReadAll(file, max, name)
	return text, fault.As(fault.Invalid, err)
}

// trustedKey trusts a public key; the time of its signatures does not matter.
func trustedKey(public crypto.PublicKey) (trustedSigner, error) {
	if err := keys.Check(public); err != nil {
		return trustedSigner{}, err
	}
	hint, err := keys.Hint(public)
	if err != nil {
		return trustedSigner{}, err
	}
	check, err := keys.NewVerifier(public)
	if err != nil {
		return trustedSigner{}, err
	}
	always := root.NewExpiringKey(check, time.Time{}, time.Time{})
	material := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) { return always, nil })
	verifier, err := verify.NewVerifier(material, verify.WithNoObserverTimestamps(), verify.WithoutStatementPredicate())
	if err != nil {
		return trustedSigner{}, fault.New(fault.Internal, "using a public key: %w", err)
	}
	name, err := keys.Fingerprint(public)
	return trustedSigner{identity: Identity{Key: name}, public: public, check: check, hint: hint, verifier: verifier}, err
}

// rootVerifier asks for what the root has: a log entry, a time that somebody
// else vouches for, and a certificate that stands in a public log.
func rootVerifier(material root.TrustedMaterial) (*verify.Verifier, error) {
	options := []verify.VerifierOption{verify.WithObserverTimestamps(1), verify.WithoutStatementPredicate()}
	if len(material.RekorLogs()) > 0 {
		options = append(options, verify.WithTransparencyLog(1))
	} else if len(material.TimestampingAuthorities()) == 0 {
		return nil, fault.New(fault.Invalid, "the trusted root has neither a log nor a timestamp authority")
	}
	if len(material.CTLogs()) > 0 {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	verifier, err := verify.NewVerifier(material, options...)
	if err != nil {
		return nil, fault.New(fault.Internal, "using the trusted root: %w", err)
	}
	return verifier, nil
}

// trustedRoot reads a private root from a file below dir, or the public one.
func trustedRoot(ctx context.Context, name, dir string, tuf sigstore.TUF) (root.TrustedMaterial, error) {
	if name == "" {
		return tuf.TrustedRoot(ctx)
	}
	text, err := readBelow(dir, name, sigstore.MaxTrustedRoot)
	if err != nil {
		return nil, err
	}
	return sigstore.ParseRoot(text, name)
}
