package publish_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bakelite/bakelite/publish/keys"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
)

// image makes a layout with an image of one file, and returns it.
func image(t testing.TB, text string) (dir string, c publish.Content) {
	t.Helper()
	dir, made := registrytest.Image(t, text)
	c, err := publish.Image(t.Context(), dir, made)
	if err != nil {
		t.Fatal(err)
	}
	return dir, c
}

// signed lets content through the real gate and signs it with a fixed key, so
// that the same content has the same bundles in each process.
func signed(t testing.TB, c publish.Content) attest.Signed {
	return signedWith(t, c, 7)
}

func signedWith(t testing.TB, c publish.Content, seed byte) attest.Signed {
	t.Helper()
	s, err := sign(c, seed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sign(c publish.Content, seed byte) (attest.Signed, error) {
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
	if err != nil {
		return attest.Signed{}, err
	}
	key, err := keys.Parse(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil)
	if err != nil {
		return attest.Signed{}, err
	}
	at := time.Now().UTC().Truncate(time.Second)
	subject := c.Manifest.Digest.String()
	system := scan.OS{Family: "debian", Name: "13"}
	_, passed, ok := gate.Judge(gate.Input{
		App: "web", ArtifactKind: "container", Digest: subject, Now: at, Hardening: []controls.Result{{ID: "BK-FS-01", Level: 1, Passed: true}}, Tests: gate.Tests{Passed: 1},
		Report: &scan.Report{
			APIVersion: scan.APIVersion, Kind: "Report", Subject: subject, ArtifactKind: "container", Scanned: at,
			Database: scan.Database{Ref: "db", Digest: subject, Updated: at.Add(-time.Hour)},
			OS:       system, Packages: []scan.Package{{Type: system.Family, Name: "libc6", Version: "1", Arch: "amd64"}},
		},
		Asked:  &controls.Asked{},
		Locked: &gate.Locked{Distribution: system, Packages: []scan.Package{{Name: "libc6", Version: "1", Arch: "amd64"}}},
	})
	if !ok {
		return attest.Signed{}, errors.New("the gate did not let it through")
	}
	return attest.Sign(context.Background(), attest.Order{
		Passed: passed, Subject: intoto.Subject{Name: "web", Digest: subject},
		Statements: []intoto.Statement{{PredicateType: "https://example.com/lock/v1", Predicate: map[string]string{"app": "web"}}},
		Want:       attest.All{Verify: policy.Verify{WithoutSBOM: true, WithoutProvenance: true, WithoutVerdict: true, WithoutLock: true, WithoutTests: true}, Now: at},
	}, attest.ByKey(key))
}

// vouched fails where a tag leads to something that has no bundle, or to
// nothing whole; it says whether the tag is there.
func vouched(t testing.TB, s registry.Reader, tag string) bool {
	t.Helper()
	m, err := registry.Resolve(t.Context(), s, tag)
	if errors.Is(err, registry.ErrNotFound) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	bundles, _, err := publish.ReadBundles(t.Context(), s, m.Digest)
	if err != nil || len(bundles) < 2 {
		t.Fatalf("the tag %s leads to %s, which has %d bundles (%v)", tag, m.Digest, len(bundles), err)
	}
	if _, err := registry.Pull(t.Context(), s, registry.PullOptions{Digest: m.Digest, Layout: filepath.Join(t.TempDir(), "pulled")}); err != nil {
		t.Fatalf("the tag %s leads to what cannot be pulled: %v", tag, err)
	}
	return true
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// randomText cannot be compressed and is the same each time.
func randomText(n int) string {
	text := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(text)
	return string(text)
}
