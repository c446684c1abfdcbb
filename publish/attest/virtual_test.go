package attest_test

import (
	"testing"

	"github.com/bakelite/bakelite/publish/sigstore"

	"github.com/bakelite/bakelite/publish/attest/sigstoretest"
)

// virtual is a Sigstore of one test.
type virtual struct{ *sigstoretest.Sigstore }

func newVirtual(t *testing.T) *virtual {
	t.Helper()
	s, err := sigstoretest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &virtual{s}
}

// sigstore returns what a user sets to sign with v.
func (v *virtual) sigstore(t *testing.T, rekorVersion uint32) sigstore.Services {
	t.Helper()
	return sigstore.Services{
		Fulcio: v.URL(), Rekor: v.URL(), RekorVersion: rekorVersion, Timestamp: v.TimestampURL(),
		Root: sigstore.File{Name: "root.json", Text: v.trustedRoot(t)},
	}
}

func (v *virtual) trustedRoot(t *testing.T) []byte {
	t.Helper()
	text, err := v.TrustedRoot()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// config is v's signing config.
func (v *virtual) config(t *testing.T, rekorVersion uint32) sigstore.File {
	t.Helper()
	text, err := v.SigningConfig(rekorVersion)
	if err != nil {
		t.Fatal(err)
	}
	return sigstore.File{Name: "config.json", Text: text}
}

func token(subject, issuer string) string { return sigstoretest.Token(subject, issuer) }

func rootFile(text string) sigstore.File {
	return sigstore.File{Name: "root.json", Text: []byte(text)}
}
