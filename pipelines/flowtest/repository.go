package flowtest

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/publish/keys"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
)

// Repository is a small publisher: a key, a repository and an image.
type Repository struct {
	T   *testing.T
	Key keys.Key
	// Dir holds release.pub, Layout the image.
	Dir, Layout string
	// Name is the repository's, Content the image as it is published.
	Name    string
	Content publish.Content
}

// NewRepository makes one that is empty.
func NewRepository(t *testing.T) Repository {
	t.Helper()
	p := Repository{T: t, Dir: t.TempDir(), Name: registry.LayoutPrefix + filepath.Join(t.TempDir(), "web")}
	private, public, err := keys.Generate(nil)
	if err == nil {
		p.Key, err = keys.Parse(private, nil)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(p.Dir, "release.pub"), public, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	var layer bytes.Buffer
	if err := tar.NewWriter(&layer).Close(); err != nil {
		t.Fatal(err)
	}
	p.Layout = t.TempDir()
	made, err := oci.WriteImage(p.Layout, "linux/amd64", io.NopCloser(bytes.NewReader(layer.Bytes())))
	if err == nil {
		p.Content, err = publish.Image(t.Context(), p.Layout, made)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Report is one that was made some time ago.
func (p Repository) Report(age time.Duration) scan.Report {
	at := time.Now().UTC().Truncate(time.Second).Add(-age)
	subject := p.Content.Manifest.Digest.String()
	return scan.Report{
		APIVersion: scan.APIVersion, Kind: "Report", Subject: subject, ArtifactKind: artifact.Container, Scanned: at,
		OS: scan.OS{Family: "debian", Name: "13.2"}, Database: scan.Database{Ref: "db", Digest: subject, Updated: at.Add(-time.Hour)},
		Packages: []scan.Package{{Type: "debian", Name: "openssl", Version: "1", Arch: "amd64"}}, Secrets: []scan.Secret{},
		Findings: []scan.Finding{{ID: "CVE-2026-1", Package: "openssl", Type: "debian", Version: "1", Severity: scan.High}},
	}
}

// Publish publishes the image with an SBOM and reports.
func (p Repository) Publish(key keys.Key, reports ...scan.Report) {
	p.T.Helper()
	_, err := publish.Publish(p.T.Context(), p.Store(), publish.Publication{Content: p.Content, Signed: p.Sign(key, nil, reports...), Tags: []string{registry.Tag}})
	if err != nil {
		p.T.Fatal(err)
	}
}

// Store opens it.
func (p Repository) Store() registry.Store {
	p.T.Helper()
	store, _, err := registry.Open(p.Name, registry.Options{})
	if err != nil {
		p.T.Fatal(err)
	}
	return store
}

// Sign signs the image, an SBOM and reports, where bundles are attached.
func (p Repository) Sign(key keys.Key, attached [][]byte, reports ...scan.Report) attest.Signed {
	p.T.Helper()
	judged := p.Report(0)
	judged.Findings = nil
	_, passed, ok := gate.Judge(gate.Input{
		App: "web", ArtifactKind: artifact.Container, Digest: judged.Subject, Report: &judged, Now: time.Now(), Tests: gate.Tests{Passed: 1},
		Asked:     &controls.Asked{},
		Locked:    &gate.Locked{Distribution: scan.OS{Family: "debian", Name: "13"}, Packages: judged.Packages},
		Hardening: []controls.Result{{ID: "BK-FS-01", Level: 1, Passed: true}},
	})
	if !ok {
		p.T.Fatal("the gate did not let it through")
	}
	order := attest.Order{
		Passed: passed, Subject: intoto.Subject{Name: "web", Digest: judged.Subject}, Attached: attached, Statements: []intoto.Statement{intoto.CycloneDX([]byte(`{"bomFormat":"CycloneDX"}`))},
		Want: attest.All{Verify: policy.Verify{WithoutProvenance: true, WithoutVerdict: true, WithoutLock: true, WithoutTests: true}, Now: time.Now()},
	}
	for _, r := range reports {
		order.Statements = append(order.Statements, intoto.Scan(r))
	}
	signed, err := attest.Sign(p.T.Context(), order, attest.ByKey(key))
	if err != nil {
		p.T.Fatal(err)
	}
	return signed
}

// Policy trusts the publisher, and gives high findings 30 days of grace.
func (p Repository) Policy() policy.Policy {
	return policy.WithDefaults(policy.Policy{
		Dir: p.Dir, Verify: policy.Verify{SignedBy: []policy.Signer{{Key: "release.pub"}}},
		Gate: policy.Gate{Vulnerabilities: policy.Vulnerabilities{GraceDays: map[string]int{"high": 30}}},
	})
}

// Blob is the file with the bundle that states something.
func (p Repository) Blob(kind string) string {
	p.T.Helper()
	found, err := filepath.Glob(filepath.Join(strings.TrimPrefix(p.Name, registry.LayoutPrefix), "blobs/sha256/*"))
	if err != nil {
		p.T.Fatal(err)
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			p.T.Fatal(err)
		}
		if v, err := attest.Unverified(text); err == nil && v.PredicateType == kind {
			return path
		}
	}
	p.T.Fatalf("nothing states %s", kind)
	return ""
}

// Bundle is the bundle that states something.
func (p Repository) Bundle(kind string) []byte {
	p.T.Helper()
	text, err := os.ReadFile(p.Blob(kind))
	if err != nil {
		p.T.Fatal(err)
	}
	return text
}

// Spoil changes a byte of the blob that holds the report's bundle.
func (p Repository) Spoil() {
	p.T.Helper()
	path, text := p.Blob(intoto.ScanType), p.Bundle(intoto.ScanType)
	text[len(text)/2] ^= 1
	if err := errors.Join(os.Remove(path), os.WriteFile(path, text, 0o600)); err != nil {
		p.T.Fatal(err)
	}
}

// Attach says of the image what a bundle says, as if it were a report.
func (p Repository) Attach(bundle []byte) {
	p.T.Helper()
	p.AttachAs(attest.Bundle{PredicateType: intoto.ScanType, JSON: bundle}, func(manifest []byte) []byte { return manifest })
}

// AttachAs attaches a bundle by a manifest of another form.
func (p Repository) AttachAs(b attest.Bundle, form func(manifest []byte) []byte) {
	p.T.Helper()
	m, store := p.Content.Manifest, p.Store()
	manifest, blobs, err := attest.Manifest(b, registry.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: m.Size})
	if err != nil {
		p.T.Fatal(err)
	}
	for _, b := range blobs {
		if err := store.PutBlob(p.T.Context(), registry.InMemory(b.Descriptor, b.Content)); err != nil {
			p.T.Fatal(err)
		}
	}
	content := form(manifest.Content)
	d := registry.Descriptor{MediaType: manifest.MediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
	_, err = store.PutManifest(p.T.Context(), registry.Manifest{Descriptor: d, Content: content})
	if err == nil {
		err = store.Attach(p.T.Context(), m.Digest, []registry.Descriptor{d})
	}
	if err != nil {
		p.T.Fatal(err)
	}
}
