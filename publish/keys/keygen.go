package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
)

// Generate makes an ECDSA P-256 key, as cosign does, and returns it and its
// public half in PEM. With a passphrase the key is encrypted so that cosign
// opens it too; with none it is plain PKCS #8. Callers write the private half
// with mode 0600.
func Generate(passphrase []byte) (private, public []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fault.New(fault.Internal, "making a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fault.New(fault.Internal, "encoding the key: %w", err)
	}
	defer clear(der)
	block := &pem.Block{Type: "PRIVATE KEY", Bytes: der}
	if len(passphrase) > 0 {
		box, err := encrypted.Encrypt(der, passphrase)
		if err != nil {
			return nil, nil, fault.New(fault.Internal, "encrypting the key: %w", err)
		}
		block = &pem.Block{Type: encryptedPEM, Bytes: box}
	}
	public, err = PublicPEM(key.Public())
	return pem.EncodeToMemory(block), public, err
}

// PublicPEM returns a public key in PEM (PKIX), the form that policies name.
func PublicPEM(public any) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fault.New(fault.Invalid, "encoding a public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// Fingerprint names a public key by the SHA-256 of its PKIX form, "sha256:…".
func Fingerprint(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fault.New(fault.Invalid, "encoding a public key: %w", err)
	}
	return digests.Of(der), nil
}
