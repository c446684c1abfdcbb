package attest_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/bakelite/bakelite/publish/keys"

	"github.com/bakelite/bakelite/internal/policy"
)

// fuzzKey is a second keys.Signer, as a KMS would be.
type fuzzKey struct{ private *ecdsa.PrivateKey }

func (k fuzzKey) Public() crypto.PublicKey { return k.private.Public() }

func (k fuzzKey) Sign(_ context.Context, data []byte, hash crypto.Hash) ([]byte, error) {
	return k.private.Sign(rand.Reader, data, hash)
}

func writeSigner(t testing.TB, dir string, public crypto.PublicKey) []policy.Signer {
	t.Helper()
	text, err := keys.PublicPEM(public)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.pub"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return []policy.Signer{{Key: "a.pub"}}
}
