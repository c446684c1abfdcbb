package registry_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	memory "github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/go-digest"
	"github.com/sirupsen/logrus"

	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
)

// image makes a layout with an image of one file, and returns it.
func image(t testing.TB, text string) (dir string, c registry.Content) {
	t.Helper()
	dir = t.TempDir()
	return dir, imageIn(t, dir, text)
}

func imageIn(t testing.TB, dir, text string) registry.Content {
	t.Helper()
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := w.WriteHeader(&tar.Header{Name: "page", Mode: 0o644, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte(text))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	made, err := oci.WriteImage(dir, "linux/amd64", io.NopCloser(bytes.NewReader(layer.Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	c, err := registry.Image(dir, made)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// signed lets content through the real gate and signs it with a fixed key, so
// that the same content has the same bundles in each process.
func signed(t testing.TB, c registry.Content) attest.Signed {
	return signedWith(t, c, 7)
}

func signedWith(t testing.TB, c registry.Content, seed byte) attest.Signed {
	t.Helper()
	s, err := sign(c, seed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sign(c registry.Content, seed byte) (attest.Signed, error) {
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
	if err != nil {
		return attest.Signed{}, err
	}
	key, err := attest.ParseKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil)
	if err != nil {
		return attest.Signed{}, err
	}
	at := time.Now().UTC().Truncate(time.Second)
	subject := c.Manifest.Digest.String()
	_, passed, ok := gate.Judge(gate.Input{
		App: "web", ArtifactKind: "container", Digest: subject, Now: at, Hardening: []controls.Result{{ID: "BK-FS-01", Level: 1, Passed: true}}, Tests: gate.Tests{Passed: 1},
		Report: &scan.Report{
			APIVersion: scan.APIVersion, Kind: "Report", Subject: subject, ArtifactKind: "container", Scanned: at,
			Database: scan.Database{Ref: "db", Digest: subject, Updated: at.Add(-time.Hour)},
		},
	})
	if !ok {
		return attest.Signed{}, errors.New("the gate did not let it through")
	}
	return attest.Sign(context.Background(), attest.Order{
		Passed: passed, Subject: attest.Subject{Name: "web", Digest: subject},
		Statements: []attest.Statement{{PredicateType: "https://example.com/lock/v1", Predicate: map[string]string{"app": "web"}}},
		Want:       attest.All{Verify: policy.Verify{WithoutSBOM: true, WithoutProvenance: true, WithoutVerdict: true}, Now: at},
	}, attest.ByKey(key))
}

// fast waits little between attempts.
func fast() registry.Options {
	return registry.Options{FirstWait: time.Millisecond, MaxWait: 20 * time.Millisecond, Settle: time.Millisecond}
}

// kind is one kind of store.
type kind struct {
	name string
	ref  func(t testing.TB) string // of a fresh repository
}

func kinds() []kind {
	return []kind{
		{"layout", func(t testing.TB) string { return registry.LayoutPrefix + filepath.Join(t.TempDir(), "repo") }},
		{"with referrers API", func(t testing.TB) string { return serve(t, memoryHandler(), nil) + "/team/web" }},
		{"without referrers API", func(t testing.TB) string { return serve(t, distributionHandler(t), nil) + "/team/web" }},
		{"docker-registry", dockerRegistry},
	}
}

func memoryHandler() http.Handler {
	return memory.New(memory.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)), memory.WithReferrersSupport(true))
}

func distributionHandler(t testing.TB) http.Handler {
	logrus.SetOutput(io.Discard)
	config := &configuration.Configuration{Storage: configuration.Storage{"inmemory": {}, "maintenance": {"uploadpurging": map[any]any{"enabled": false}}}}
	config.HTTP.Secret = "of a test"
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	return handlers.NewApp(ctx, config)
}

// trouble answers a request in place of the registry, or returns false.
type trouble func(w http.ResponseWriter, r *http.Request, next http.Handler) bool

func serve(t testing.TB, handler http.Handler, change trouble) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if change == nil || !change(w, r, handler) {
			handler.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// dockerRegistry starts Debian's own registry, distribution 2.
func dockerRegistry(t testing.TB) string {
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Skip("docker-registry is not installed")
	}
	dir := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	config := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage:\n  filesystem: {rootdirectory: %q}\nhttp: {addr: %q, secret: test}\n", dir, address)
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "serve", file)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	for range 1200 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return address + "/team/web"
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("docker-registry did not start")
	return ""
}

func open(t testing.TB, ref string, o registry.Options) registry.Store {
	t.Helper()
	s, _, err := registry.Open(ref, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
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
	bundles, err := registry.ReadBundles(t.Context(), s, m.Digest)
	if err != nil || len(bundles) < 2 {
		t.Fatalf("the tag %s leads to %s, which has %d bundles (%v)", tag, m.Digest, len(bundles), err)
	}
	if _, err := registry.Pull(t.Context(), s, registry.PullOptions{Digest: m.Digest, Layout: filepath.Join(t.TempDir(), "pulled")}); err != nil {
		t.Fatalf("the tag %s leads to what cannot be pulled: %v", tag, err)
	}
	return true
}

// counted counts the requests that change something.
type counted struct {
	next          http.RoundTripper
	uploads, puts atomic.Int64
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/"):
		c.puts.Add(1)
	case r.Method == http.MethodPost:
		c.uploads.Add(1)
	}
	return c.next.RoundTrip(r)
}

func digestOf(text string) digest.Digest { return digest.FromString(text) }

func opener(text string) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

func manifestOf(t testing.TB, config registry.Descriptor, layers ...registry.Descriptor) registry.Manifest {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": layers,
	})
	if err != nil {
		t.Fatal(err)
	}
	return registry.Manifest{
		Descriptor: registry.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromBytes(text), Size: int64(len(text))},
		Content:    text,
	}
}

// dialer reaches one server by its address and another one by any other name.
func dialer(other, plain string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != plain {
			address = other
		}
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}
}
