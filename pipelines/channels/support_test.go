package channels_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/pipelines/channels"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/publish/keys"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
)

// shop is a repository of one app, with who publishes and who releases.
type shop struct {
	*testing.T
	repository string
	store      registry.Store
	key        keys.Key
	flow       channels.Flow
	now        time.Time
}

// open opens a shop in a repository of the app web.
func open(t *testing.T, repository string) *shop {
	t.Helper()
	key, public := newKey(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "release.pub"), public, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &shop{T: t, repository: repository, key: key, now: time.Now().UTC().Truncate(time.Second)}
	options := registrytest.Fast()
	s.store = registrytest.Open(t, repository, options)
	rules := policy.Policy{Dir: dir, Verify: policy.Verify{
		SignedBy: []policy.Signer{{Key: "release.pub"}}, WithoutSBOM: true, WithoutProvenance: true, WithoutTests: true,
	}}
	s.flow = channels.Flow{
		Look: look.Reader{Policy: rules, Registry: options}, Policy: rules, Registry: options, Vouch: vouchtest.Key(t),
		Signer:   func(context.Context) (attest.Signer, error) { return attest.ByKey(s.key), nil },
		Channels: []string{"candidate", "stable"}, Now: func() time.Time { return s.now },
	}
	return s
}

func newKey(t *testing.T) (keys.Key, []byte) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Parse(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := keys.PublicPEM(public)
	if err != nil {
		t.Fatal(err)
	}
	return key, text
}

// publish signs an image, and publishes it under a version.
func (s *shop) publish(version string) string {
	s.Helper()
	o, err := s.sign(version)
	if err != nil {
		s.Fatal(err)
	}
	o.Version, o.Tags = version, []string{"latest"}
	if _, err := publish.Publish(s.Context(), s.store, o); err != nil {
		s.Fatal(err)
	}
	return o.Signed.Digest()
}

// sign lets an image through the real gate and signs it, with what is attached
// to it already in mind; its lock has a package of that version.
func (s *shop) sign(version string) (publish.Publication, error) {
	s.Helper()
	dir, made := registrytest.Image(s, "web "+version)
	content, err := publish.Image(s.Context(), dir, made)
	if err != nil {
		s.Fatal(err)
	}
	attached, _, err := publish.ReadBundles(s.Context(), s.store, content.Manifest.Digest)
	if err != nil {
		s.Fatal(err)
	}
	report := scan.Report{
		APIVersion: scan.APIVersion, Kind: "Report", Subject: made, ArtifactKind: "container", Scanned: s.now,
		Database: scan.Database{Ref: "db", Digest: made, Updated: s.now.Add(-time.Hour)},
		OS:       scan.OS{Family: "debian", Name: "13"}, Packages: []scan.Package{{Type: "debian", Name: "libc6", Version: "1", Arch: "amd64"}},
	}
	verdict, passed, ok := gate.Judge(gate.Input{
		App: "web", ArtifactKind: "container", Digest: made, Now: s.now, Report: &report, Tests: gate.Tests{Passed: 1}, Asked: &controls.Asked{},
		Hardening: []controls.Result{{ID: "BK-FS-01", Level: 1, Passed: true}},
		Locked:    &gate.Locked{Distribution: report.OS, Packages: []scan.Package{{Name: "libc6", Version: "1", Arch: "amd64"}}},
	})
	if !ok {
		s.Fatal("the gate did not let it through")
	}
	l := lock.Lock{APIVersion: lock.APIVersion, Kind: lock.Kind, App: "web", Platform: "linux/amd64", Packages: lock.Layers{App: []lock.Pin{{Name: "nginx", Version: version, Arch: "amd64"}}}}
	signed, err := attest.Sign(s.Context(), attest.Order{
		Passed: passed, Subject: intoto.Subject{Name: "web", Digest: made}, Attached: attached,
		Statements: []intoto.Statement{attest.Verdict(verdict), intoto.Scan(report), intoto.Lock(l)},
		Want:       attest.All{Verify: policy.Verify{WithoutSBOM: true, WithoutProvenance: true, WithoutTests: true}, Now: s.now},
	}, attest.ByKey(s.key))
	return publish.Publication{Content: content, Signed: signed}, err
}

// carry plans and does it.
func (s *shop) carry(p channels.Plan, err error) channels.Plan {
	s.Helper()
	if err == nil {
		err = s.flow.Carry(s.Context(), p)
	}
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func (s *shop) promote(version, channel string) channels.Plan {
	s.Helper()
	return s.carry(s.flow.Promote(s.Context(), s.repository+":"+version, channels.Options{Channel: channel}, nil))
}

// tag is what a tag leads to, "" for nothing.
func (s *shop) tag(name string) string {
	s.Helper()
	m, err := s.store.Manifest(s.Context(), name)
	if err != nil {
		return ""
	}
	return m.Digest.String()
}

// verify is what a consumer is told of a digest.
func (s *shop) verify(digest string) error {
	s.Helper()
	t, err := s.flow.Look.Find(s.Context(), s.store.Name()+"@"+digest)
	if err != nil {
		s.Fatal(err)
	}
	_, err = s.flow.Look.Verify(s.Context(), t, look.Asked{})
	return err
}

// follow asks a channel as a reader does.
func (s *shop) follow(channel, digest string) error {
	s.Helper()
	_, err := s.flow.Follow(s.Context(), s.store, channels.Asked{Channel: channel, App: "web", ArtifactKind: "container", Digest: digest})
	return err
}

// child is an app whose lock stands on a reference.
func child(t *testing.T, name, ref, digest string) app.App {
	t.Helper()
	a := app.App{Name: name, Path: filepath.Join(t.TempDir(), "app.yaml")}
	l := &lock.Lock{
		APIVersion: lock.APIVersion, Kind: lock.Kind, App: name, Bakelite: "1", Platform: "linux/amd64", Inputs: digest,
		Base: &lock.Image{Ref: ref, Digest: digest},
	}
	if err := lock.Write(pin.Path(a), l); err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Read(pin.Path(a)); err != nil {
		t.Fatal(err)
	}
	return a
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
