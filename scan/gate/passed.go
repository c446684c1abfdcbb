package gate

// Passed is the proof that the gate let an artifact through, and for which
// digest. Only Judge makes one; the zero value proves nothing.
type Passed struct {
	digest  string
	verdict Verdict
}

// Digest returns the digest of the artifact that passed, as "sha256:…".
func (p Passed) Digest() string { return p.digest }

// Verdict returns a copy of what the gate saw, rule by rule.
func (p Passed) Verdict() Verdict { return p.verdict.clone() }
