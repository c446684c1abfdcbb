package test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	memory "github.com/google/go-containerregistry/pkg/registry"
	"github.com/sirupsen/logrus"

	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
)

// registries are real ones in this process, each of a kind of its own.
func registries() map[string]func(*testing.T) http.Handler {
	return map[string]func(*testing.T) http.Handler{"with referrers API": memoryRegistry, "without referrers API": distribution}
}

func memoryRegistry(*testing.T) http.Handler {
	return memory.New(memory.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)), memory.WithReferrersSupport(true))
}

func distribution(t *testing.T) http.Handler {
	logrus.SetOutput(io.Discard)
	config := &configuration.Configuration{Storage: configuration.Storage{"filesystem": {"rootdirectory": folder(t)}, "maintenance": {"uploadpurging": map[any]any{"enabled": false}}}}
	config.HTTP.Secret = "of a test"
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	return handlers.NewApp(ctx, config)
}

// served is a registry on this machine's loopback.
type served struct {
	// host is its name, requests and writes count what it was asked for.
	host             string
	requests, writes atomic.Int64
	// before is called with each request.
	before func(*http.Request)
}

func serve(t *testing.T, registry http.Handler) *served {
	t.Helper()
	s := &served{before: func(*http.Request) {}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			s.writes.Add(1)
		}
		s.before(r)
		registry.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	s.host = strings.TrimPrefix(server.URL, "http://")
	return s
}

func open(t *testing.T, ref string) (registry.Store, string) {
	t.Helper()
	store, at, err := registry.Open(ref, registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store, at
}

// bundles returns what is stated about a reference, by predicate type.
func bundles(t *testing.T, ref string) map[string][]byte {
	t.Helper()
	store, at := open(t, ref)
	m, err := registry.Resolve(t.Context(), store, at)
	if err != nil {
		t.Fatal(err)
	}
	all, _, err := publish.ReadBundles(t.Context(), store, m.Digest)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]byte{}
	for _, b := range all {
		v, err := attest.Unverified(b)
		if err != nil {
			t.Fatal(err)
		}
		found[v.PredicateType] = b
	}
	return found
}

// attach says of a reference what bundles say, under the types that they are
// given.
func attach(t *testing.T, ref string, bundles map[string][]byte) {
	t.Helper()
	store, at := open(t, ref)
	m, err := registry.Resolve(t.Context(), store, at)
	if err != nil {
		t.Fatal(err)
	}
	subject := registry.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: m.Size}
	for kind, text := range bundles {
		manifest, blobs, err := attest.Manifest(attest.Bundle{PredicateType: kind, JSON: text}, subject)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blobs {
			put(t, store, b)
		}
		referrer := registry.Manifest{Descriptor: manifest.Descriptor, Content: manifest.Content}
		if _, err := store.PutManifest(t.Context(), referrer); err != nil {
			t.Fatal(err)
		}
		listed := referrer.Descriptor
		listed.ArtifactType = attest.BundleMediaType
		if err := store.Attach(t.Context(), m.Digest, []registry.Descriptor{listed}); err != nil {
			t.Fatal(err)
		}
	}
}

func put(t *testing.T, store registry.Store, b attest.Blob) {
	t.Helper()
	if err := store.PutBlob(t.Context(), registry.InMemory(b.Descriptor, b.Content)); err != nil {
		t.Fatal(err)
	}
}

// push sends an image of a layout with nothing that vouches for it, and
// returns its reference.
func push(t *testing.T, layout, image, repository string) string {
	t.Helper()
	store, _ := open(t, repository)
	content, err := publish.Image(t.Context(), layout, image)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range content.Blobs {
		if err := store.PutBlob(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.PutManifest(t.Context(), content.Manifest); err != nil {
		t.Fatal(err)
	}
	if err := store.SetTag(t.Context(), registry.TagRequest{Name: registry.Tag, Manifest: content.Manifest}); err != nil {
		t.Fatal(err)
	}
	return repository + "@" + image
}

// cosign is the real one, where the tests of publish/attest have built it.
type cosign struct {
	t            *testing.T
	program, key string
}

func newCosign(t *testing.T, key string) *cosign {
	t.Helper()
	cache, err := os.UserCacheDir()
	program := filepath.Join(cache, "bakelite-test", "cosign-v3.1.3", "cosign")
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("this machine lacks cosign, and CI is set: %v", err)
	}
	if err != nil {
		t.Log("SKIPPED, NOT PASSED: cosign was not built; go test ./publish/attest does it")
		return nil
	}
	return &cosign{t, program, key}
}

func (c *cosign) run(args ...string) (string, error) {
	command := exec.CommandContext(c.t.Context(), c.program, args...)
	command.Env = []string{"HOME=" + c.t.TempDir()}
	out, err := command.CombinedOutput()
	return string(out), err
}

// verifies has cosign verify the signature and each attestation.
func (c *cosign) verifies(ref string) {
	if c == nil {
		return
	}
	c.t.Helper()
	where := []string{"--insecure-ignore-tlog", "--allow-http-registry", ref}
	if dir, ok := strings.CutPrefix(ref, registry.LayoutPrefix); ok {
		where = []string{"--insecure-ignore-tlog", "--local-image", dir}
	}
	if out, err := c.run(append([]string{"verify", "--key", c.key}, where...)...); err != nil {
		c.t.Errorf("cosign verify %s: %v\n%s", ref, err, out)
	}
	for _, kind := range []string{"slsaprovenance1", "cyclonedx", "spdxjson", attest.ScanType, attest.VerdictType, attest.TestsType, attest.LockType} {
		out, err := c.run(append([]string{"verify-attestation", "--key", c.key, "--type", kind}, where...)...)
		if err != nil || !strings.Contains(out, `"payload"`) {
			c.t.Errorf("cosign verify-attestation --type %s %s: %v\n%s", kind, ref, err, out)
		}
	}
}

// descriptors are the config and the layers of a manifest.
func descriptors(t *testing.T, m registry.Manifest) []registry.Descriptor {
	t.Helper()
	var manifest struct {
		Config registry.Descriptor
		Layers []registry.Descriptor
	}
	if err := json.Unmarshal(m.Content, &manifest); err != nil {
		t.Fatal(err)
	}
	return append([]registry.Descriptor{manifest.Config}, manifest.Layers...)
}

// tiny is an image of one file.
type tiny struct{ dir, digest string }

func smallImage(t *testing.T, dir string) tiny {
	t.Helper()
	var layer bytes.Buffer
	if err := tar.NewWriter(&layer).Close(); err != nil {
		t.Fatal(err)
	}
	made, err := oci.WriteImage(dir, "linux/amd64", io.NopCloser(bytes.NewReader(layer.Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	return tiny{dir, made}
}
