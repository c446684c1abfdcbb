package attest

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
