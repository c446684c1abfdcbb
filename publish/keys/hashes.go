package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"io"

	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/bakelite/bakelite/internal/fault"
)

// NewVerifier returns the check of a public key. With P-384 it takes SHA-384,
// Sigstore's choice, and SHA-256, with which cosign signs and verifies.
func NewVerifier(public crypto.PublicKey) (signature.Verifier, error) {
	check, err := signature.LoadDefaultVerifier(public)
	if err != nil {
		return nil, fault.New(fault.Invalid, "using a public key: %w", err)
	}
	if !isP384(public) {
		return check, nil
	}
	second, err := signature.LoadVerifier(public, crypto.SHA256)
	if err != nil {
		return nil, fault.New(fault.Invalid, "using a public key: %w", err)
	}
	return eitherHash{Verifier: check, second: second}, nil
}

func isP384(public crypto.PublicKey) bool {
	key, ok := public.(*ecdsa.PublicKey)
	return ok && key.Curve == elliptic.P384()
}

// eitherHash takes a signature that holds with one of two hashes.
type eitherHash struct {
	signature.Verifier
	second signature.Verifier
}

// VerifySignature returns nil where one of the two holds.
func (e eitherHash) VerifySignature(sig, message io.Reader, options ...signature.VerifyOption) error {
	s, err := io.ReadAll(sig)
	if err != nil {
		return err
	}
	m, err := io.ReadAll(message)
	if err != nil {
		return err
	}
	if e.second.VerifySignature(bytes.NewReader(s), bytes.NewReader(m), options...) == nil {
		return nil
	}
	return e.Verifier.VerifySignature(bytes.NewReader(s), bytes.NewReader(m), options...)
}
