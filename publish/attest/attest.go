// Package attest signs statements about an artifact, and verifies them: those of
// package intoto, as DSSE in Sigstore bundles, by key or keyless, in the layout
// that cosign verifies. It refuses to sign what the gate did not pass, to hand
// out what its own verifier would refuse, and a bundle that speaks of another
// digest.
package attest

// BundleMediaType is the media type of a bundle, version 0.3 (Sigstore's
// protobuf-specs), and the artifact type of the manifest that carries it.
const BundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// The limits of what is read or made, in bytes unless they say otherwise.
const (
	// MaxBundle bounds one bundle: its statement in base64, a certificate, 32
	// log entries and 32 timestamps at most. It is cosign's own limit.
	MaxBundle = 128 << 20
	// MaxBundles bounds the bundles of one artifact, as a number.
	MaxBundles = 256
)

// Bundle is one signed statement in the form of a Sigstore bundle.
type Bundle struct {
	// PredicateType says what is stated: "https://slsa.dev/provenance/v1".
	PredicateType string
	// JSON is the bundle itself.
	JSON []byte
	// Reused says that it was attached before, and not signed now.
	Reused bool
}

// Signed is an artifact's digest with its bundles. Only Sign makes one, after
// it verified each bundle as a user would; the zero value publishes nothing.
type Signed struct {
	digest  string
	signer  string
	bundles []Bundle
}

// Digest returns what was signed, as "sha256:…".
func (s Signed) Digest() string { return s.digest }

// Signer says in words who signed, and whether that was the fallback.
func (s Signed) Signer() string { return s.signer }

// Bundles returns the signed statements, the signature first; those that are
// reused are among them.
func (s Signed) Bundles() []Bundle { return s.bundles }
