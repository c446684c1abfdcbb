package attest

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

// keypair is a KeySigner in the form that sigstore-go signs with.
type keypair struct {
	key       KeySigner
	algorithm signature.AlgorithmDetails
	hint      string
}

func newKeypair(key KeySigner) (*keypair, error) {
	public := key.Public()
	if err := checkPublic(public); err != nil {
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
	hint, err := keyHint(public)
	return &keypair{key: key, algorithm: algorithm, hint: hint}, err
}

// keyHint names a public key as cosign does: base64 of the SHA-256 of its
// PKIX form.
func keyHint(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fault.New(fault.Invalid, "encoding a public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

func (k *keypair) GetHashAlgorithm() common.HashAlgorithm { return k.algorithm.GetProtoHashType() }

func (k *keypair) GetSigningAlgorithm() common.PublicKeyDetails {
	return k.algorithm.GetSignatureAlgorithm()
}

func (k *keypair) GetHint() []byte { return []byte(k.hint) }

func (k *keypair) GetKeyAlgorithm() string {
	switch k.key.Public().(type) {
	case *ecdsa.PublicKey:
		return "ECDSA"
	case ed25519.PublicKey:
		return "ED25519"
	default:
		return "RSA"
	}
}

func (k *keypair) GetPublicKey() crypto.PublicKey { return k.key.Public() }

func (k *keypair) GetPublicKeyPem() (string, error) {
	text, err := PublicPEM(k.key.Public())
	return string(text), err
}

// SignData returns the signature and what was signed: a digest, or the message
// itself with Ed25519.
func (k *keypair) SignData(ctx context.Context, data []byte) ([]byte, []byte, error) {
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
