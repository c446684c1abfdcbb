package attest_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/publish/attest"
)

// fuzzKey is a second KeySigner, as a KMS would be.
type fuzzKey struct{ private *ecdsa.PrivateKey }

func (k fuzzKey) Public() crypto.PublicKey { return k.private.Public() }

func (k fuzzKey) Sign(_ context.Context, data []byte, hash crypto.Hash) ([]byte, error) {
	return k.private.Sign(rand.Reader, data, hash)
}

func writeSigner(t testing.TB, dir string, public crypto.PublicKey) []policy.Signer {
	t.Helper()
	text, err := attest.PublicPEM(public)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.pub"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return []policy.Signer{{Key: "a.pub"}}
}

// FuzzParseKey: no text makes a key reader panic or quote what it read.
func FuzzParseKey(f *testing.F) {
	for _, passphrase := range []string{"", "secret"} {
		private, public, err := attest.GenerateKey([]byte(passphrase))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(private)
		f.Add(public)
	}
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = attest.ParsePublicKey(text)
		_, _ = attest.ParseKey(text, nil)
	})
}
