package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"

	common "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/bakelite/bakelite/internal/fault"
)

// Pair is a Signer in the form that sigstore-go signs with.
type Pair struct {
	key       Signer
	algorithm signature.AlgorithmDetails
	hint      string
}

// NewPair refuses a key that no verifier of Sigstore takes.
func NewPair(key Signer) (*Pair, error) {
	public := key.Public()
	if err := Check(public); err != nil {
		return nil, err
	}
	if isP384(public) {
		return nil, fault.Hint(fault.New(fault.Invalid, "a P-384 key does not sign: cosign verifies it with SHA-256 alone, and Sigstore's libraries with SHA-384"),
			"take a P-256, Ed25519 or RSA key")
	}
	algorithm, err := signature.GetDefaultAlgorithmDetails(public)
	if err != nil {
		return nil, fault.New(fault.Invalid, "choosing the algorithm of the signing key: %w", err)
	}
	hint, err := Hint(public)
	return &Pair{key: key, algorithm: algorithm, hint: hint}, err
}

// Hint names a public key as cosign does: base64 of the SHA-256 of its
// PKIX form.
func Hint(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fault.New(fault.Invalid, "encoding a public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

// GetHashAlgorithm returns the hash that signatures are made with.
func (k *Pair) GetHashAlgorithm() common.HashAlgorithm { return k.algorithm.GetProtoHashType() }

// GetSigningAlgorithm returns the algorithm by Sigstore's number.
func (k *Pair) GetSigningAlgorithm() common.PublicKeyDetails {
	return k.algorithm.GetSignatureAlgorithm()
}

// GetHint returns the key's Hint.
func (k *Pair) GetHint() []byte { return []byte(k.hint) }

// GetKeyAlgorithm returns the kind of key: ECDSA, ED25519 or RSA.
func (k *Pair) GetKeyAlgorithm() string {
	switch k.key.Public().(type) {
	case *ecdsa.PublicKey:
		return "ECDSA"
	case ed25519.PublicKey:
		return "ED25519"
	default:
		return "RSA"
	}
}

// GetPublicKey returns the public key.
func (k *Pair) GetPublicKey() crypto.PublicKey { return k.key.Public() }

// GetPublicKeyPem returns the public key in PEM.
func (k *Pair) GetPublicKeyPem() (string, error) {
	text, err := PublicPEM(k.key.Public())
	return string(text), err
}

// SignData returns the signature and what was signed: a digest, or the message
// itself with Ed25519.
func (k *Pair) SignData(ctx context.Context, data []byte) ([]byte, []byte, error) {
	hash := k.algorithm.GetHashType()
	if hash != 0 {
		digest := hash.New()
		digest.Write(data)
		data = digest.Sum(nil)
	}
	sig, err := k.key.Sign(ctx, data, hash)
	if err != nil {
		return nil, nil, fault.New(fault.Internal, "signing with the key: %w", err)
	}
	return sig, data, nil
}
