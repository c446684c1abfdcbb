// Package keys reads and makes keys that sign, and checks what they signed, in
// the forms of openssl and cosign. It refuses weak keys and files that others
// can read, and shows no key to anybody who prints one.
package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
)

// Signer is a signing key, wherever it lives: a file, a KMS, a token.
type Signer interface {
	// Public returns the public key: ECDSA P-256, Ed25519, or RSA of 2048,
	// 3072 or 4096 bits.
	Public() crypto.PublicKey
	// Sign signs data, which is a digest made with hash; where hash is 0, as
	// Ed25519 asks for, data is the message. ECDSA signatures are ASN.1, RSA
	// ones PKCS #1 v1.5.
	Sign(ctx context.Context, data []byte, hash crypto.Hash) ([]byte, error)
}

// Key is a signing key in memory. It prints as its type alone.
//
// The private half is inside a function, which fmt cannot look into. It does
// follow pointers, from structs whose methods it may not call too.
type Key struct {
	public crypto.PublicKey
	sign   func(data []byte, hash crypto.Hash) ([]byte, error)
}

// Public returns the public key.
func (k Key) Public() crypto.PublicKey { return k.public }

// Sign signs data in memory; it does not wait for ctx.
func (k Key) Sign(_ context.Context, data []byte, hash crypto.Hash) ([]byte, error) {
	return k.sign(data, hash)
}

// String names what it is and not what it holds.
func (k Key) String() string { return "signing key (hidden)" }

// Format keeps the key out of every verb of fmt.
func (k Key) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, k.String()) }

// LogValue keeps the key out of logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText keeps the key out of JSON and other encodings.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Passphrase returns the passphrase of an encrypted key. It is asked only
// where one is needed; what it returns is overwritten after use.
type Passphrase func() ([]byte, error)

// Load reads a private key from a file of MaxSize bytes at most, which only
// its owner may be able to read. Errors never hold what the file does.
func Load(path string, passphrase Passphrase) (Key, error) {
	text, err := readKeyFile(path)
	if err != nil {
		return Key{}, err
	}
	defer clear(text)
	return Parse(text, passphrase)
}

func readKeyFile(path string) ([]byte, error) {
	file, err := regular.Open(path)
	if err != nil {
		return nil, fault.Hint(fault.As(fault.Missing, fmt.Errorf("opening the signing key: %w", err)),
			"make one (cosign generate-key-pair does), or name the right file")
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, fault.New(fault.Internal, "reading the signing key: %w", err)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fault.Hint(fault.New(fault.Policy, "the signing key %s can be read by others (mode %04o)", path, info.Mode().Perm()),
			"take it from them: chmod 600 %s", path)
	}
	text, err := limit.ReadAll(file, MaxSize, "the signing key "+path)
	if err != nil {
		return nil, fault.As(fault.Invalid, err)
	}
	return text, nil
}

// MaxSize bounds a file with a key, in bytes.
const MaxSize = 64 << 10

// minRSA is the least RSA modulus, in bits (NIST SP 800-131A rev. 2).
const minRSA = 2048

// Check refuses public keys that Sigstore has no algorithm for, or weak ones.
func Check(public crypto.PublicKey) error {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() || key.Curve == elliptic.P384() {
			return nil
		}
		return keyError("ECDSA on %s is not used; take P-256 or P-384", key.Curve.Params().Name)
	case ed25519.PublicKey:
		return nil
	case *rsa.PublicKey:
		bits := key.N.BitLen()
		if bits < minRSA {
			return keyError("an RSA key of %d bits is too short; take %d or more", bits, minRSA)
		}
		if bits != 2048 && bits != 3072 && bits != 4096 {
			return keyError("an RSA key of %d bits has no algorithm in Sigstore; take 2048, 3072 or 4096", bits)
		}
		return nil
	default:
		return keyError("keys of the type %T are not used; take ECDSA, Ed25519 or RSA", public)
	}
}

// ParsePublic reads a public key in PEM (PKIX).
func ParsePublic(text []byte) (crypto.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, fault.New(fault.Invalid, "no PUBLIC KEY in PEM")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fault.New(fault.Invalid, "reading a public key: %w", err)
	}
	return public, Check(public)
}
