package pipelines

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

	"github.com/bakelite/bakelite/publish/keys"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
)

// past is a small publisher: a key, a repository and an image.
type past struct {
	t          *testing.T
	key        keys.Key
	dir        string // holds release.pub
	layout     string // holds the image
	repository string
	content    publish.Content
}

func newPast(t *testing.T) past {
	t.Helper()
	p := past{t: t, dir: t.TempDir(), repository: registry.LayoutPrefix + filepath.Join(t.TempDir(), "web")}
	private, public, err := keys.Generate(nil)
	if err == nil {
		p.key, err = keys.Parse(private, nil)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(p.dir, "release.pub"), public, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	var layer bytes.Buffer
	if err := tar.NewWriter(&layer).Close(); err != nil {
		t.Fatal(err)
	}
	p.layout = t.TempDir()
	made, err := oci.WriteImage(p.layout, "linux/amd64", io.NopCloser(bytes.NewReader(layer.Bytes())))
	if err == nil {
		p.content, err = publish.Image(t.Context(), p.layout, made)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// report is one that was made some time ago.
func (p past) report(age time.Duration) scan.Report {
	at := time.Now().UTC().Truncate(time.Second).Add(-age)
	subject := p.content.Manifest.Digest.String()
	return scan.Report{
		APIVersion: scan.APIVersion, Kind: "Report", Subject: subject, ArtifactKind: artifact.Container, Scanned: at,
		OS: scan.OS{Family: "debian", Name: "13.2"}, Database: scan.Database{Ref: "db", Digest: subject, Updated: at.Add(-time.Hour)},
		Packages: []scan.Package{{Type: "debian", Name: "openssl", Version: "1", Arch: "amd64"}}, Secrets: []scan.Secret{},
		Findings: []scan.Finding{{ID: "CVE-2026-1", Package: "openssl", Type: "debian", Version: "1", Severity: scan.High}},
	}
}

// publish publishes the image with an SBOM and reports.
func (p past) publish(key keys.Key, reports ...scan.Report) {
	p.t.Helper()
	_, err := publish.Publish(p.t.Context(), p.store(), publish.Publication{Content: p.content, Signed: p.sign(key, nil, reports...), Tags: []string{registry.Tag}})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p past) store() registry.Store {
	p.t.Helper()
	store, _, err := registry.Open(p.repository, registry.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	return store
}

// sign signs the image, an SBOM and reports, where bundles are attached.
func (p past) sign(key keys.Key, attached [][]byte, reports ...scan.Report) attest.Signed {
	p.t.Helper()
	judged := p.report(0)
	judged.Findings = nil
	_, passed, ok := gate.Judge(gate.Input{
		App: "web", ArtifactKind: artifact.Container, Digest: judged.Subject, Report: &judged, Now: time.Now(), Tests: gate.Tests{Passed: 1},
		Locked:    &gate.Locked{Distribution: scan.OS{Family: "debian", Name: "13"}, Packages: judged.Packages},
		Hardening: []controls.Result{{ID: "BK-FS-01", Level: 1, Passed: true}},
	})
	if !ok {
		p.t.Fatal("the gate did not let it through")
	}
	order := attest.Order{
		Passed: passed, Subject: attest.Subject{Name: "web", Digest: judged.Subject}, Attached: attached, Statements: []attest.Statement{attest.CycloneDX([]byte(`{"bomFormat":"CycloneDX"}`))},
		Want: attest.All{Verify: policy.Verify{WithoutProvenance: true, WithoutVerdict: true, WithoutLock: true, WithoutTests: true}, Now: time.Now()},
	}
	for _, r := range reports {
		order.Statements = append(order.Statements, attest.Scan(r))
	}
	signed, err := attest.Sign(p.t.Context(), order, attest.ByKey(key))
	if err != nil {
		p.t.Fatal(err)
	}
	return signed
}

func (p past) kitchen() Kitchen {
	p.t.Helper()
	display, err := progress.New(progress.Options{Mode: progress.Quiet})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(display.Close)
	return Kitchen{Progress: display, Policy: policy.Policy{
		Dir: p.dir, Verify: policy.Verify{SignedBy: []policy.Signer{{Key: "release.pub"}}},
		Gate: policy.Gate{Vulnerabilities: policy.Vulnerabilities{GraceDays: map[string]int{"high": 30}}},
	}}
}

func (p past) subject() subject {
	return subject{name: "container", kind: artifact.Container, repository: p.repository, content: p.content}
}

// blob is the file with the bundle that states something.
func (p past) blob(kind string) string {
	p.t.Helper()
	found, err := filepath.Glob(filepath.Join(strings.TrimPrefix(p.repository, registry.LayoutPrefix), "blobs/sha256/*"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			p.t.Fatal(err)
		}
		if v, err := attest.Unverified(text); err == nil && v.PredicateType == kind {
			return path
		}
	}
	p.t.Fatalf("nothing states %s", kind)
	return ""
}

func (p past) bundle(kind string) []byte {
	p.t.Helper()
	text, err := os.ReadFile(p.blob(kind))
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

// spoil changes a byte of the blob that holds the report's bundle.
func (p past) spoil() {
	p.t.Helper()
	path, text := p.blob(attest.ScanType), p.bundle(attest.ScanType)
	text[len(text)/2] ^= 1
	if err := errors.Join(os.Remove(path), os.WriteFile(path, text, 0o600)); err != nil {
		p.t.Fatal(err)
	}
}

// attach says of the image what a bundle says, as if it were a report.
func (p past) attach(bundle []byte) {
	p.t.Helper()
	p.attachAs(attest.Bundle{PredicateType: attest.ScanType, JSON: bundle}, func(manifest []byte) []byte { return manifest })
}

// attachAs attaches a bundle by a manifest of another form.
func (p past) attachAs(b attest.Bundle, form func(manifest []byte) []byte) {
	p.t.Helper()
	m, store := p.content.Manifest, p.store()
	manifest, blobs, err := attest.Manifest(b, registry.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: m.Size})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, b := range blobs {
		if err := store.PutBlob(p.t.Context(), registry.InMemory(b.Descriptor, b.Content)); err != nil {
			p.t.Fatal(err)
		}
	}
	content := form(manifest.Content)
	d := registry.Descriptor{MediaType: manifest.MediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
	_, err = store.PutManifest(p.t.Context(), registry.Manifest{Descriptor: d, Content: content})
	if err == nil {
		err = store.Attach(p.t.Context(), m.Digest, []registry.Descriptor{d})
	}
	if err != nil {
		p.t.Fatal(err)
	}
}
