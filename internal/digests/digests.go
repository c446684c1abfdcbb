// Package digests makes and knows the one form of digests that locks,
// receipts, reports and signatures use: "sha256:" and 64 lower-case
// hexadecimal digits.
package digests

import (
	"hash"

	"github.com/opencontainers/go-digest"
)

// Of returns the digest of content.
func Of(content []byte) string { return digest.SHA256.FromBytes(content).String() }

// Sum returns the digest of what was written to h, a SHA-256.
func Sum(h hash.Hash) string { return digest.NewDigest(digest.SHA256, h).String() }

// Valid says whether a text is a digest; other algorithms are not.
func Valid(text string) bool {
	d := digest.Digest(text)
	return d.Validate() == nil && d.Algorithm() == digest.SHA256
}
