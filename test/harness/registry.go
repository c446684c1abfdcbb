package harness

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // what Distribution keeps all in
	memory "github.com/google/go-containerregistry/pkg/registry"
	"github.com/sirupsen/logrus"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
)

// Registries are real ones in this process, each of a kind of its own.
func Registries() map[string]func(*testing.T) http.Handler {
	return map[string]func(*testing.T) http.Handler{"with referrers API": MemoryRegistry, "without referrers API": Distribution}
}

// MemoryRegistry keeps all in memory, and has the referrers API.
func MemoryRegistry(*testing.T) http.Handler {
	return memory.New(memory.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)), memory.WithReferrersSupport(true))
}

// Distribution is the CNCF's registry, which has no referrers API.
func Distribution(t *testing.T) http.Handler {
	logrus.SetOutput(io.Discard)
	config := &configuration.Configuration{Storage: configuration.Storage{"filesystem": {"rootdirectory": Folder(t)}, "maintenance": {"uploadpurging": map[any]any{"enabled": false}}}}
	config.HTTP.Secret = "of a test"
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	return handlers.NewApp(ctx, config)
}

// Registry is a registry on this machine's loopback.
type Registry struct {
	// Host is its name; Requests and Writes count what it was asked for.
	Host             string
	Requests, Writes atomic.Int64
	// Before is called with each request.
	Before func(*http.Request)
}

// Serve serves a registry until the test's end.
func Serve(t *testing.T, registry http.Handler) *Registry {
	t.Helper()
	s := &Registry{Before: func(*http.Request) {}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Requests.Add(1)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			s.Writes.Add(1)
		}
		s.Before(r)
		registry.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	s.Host = strings.TrimPrefix(server.URL, "http://")
	return s
}

// Open opens the store of a reference, and returns the tag or digest in it.
func Open(t *testing.T, ref string) (registry.Store, string) {
	t.Helper()
	store, at, err := registry.Open(ref, registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store, at
}

// Bundles returns what is stated about a reference, by predicate type.
func Bundles(t *testing.T, ref string) map[string][]byte {
	t.Helper()
	store, at := Open(t, ref)
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

// Attach says of a reference what bundles say, under the types that they are
// given.
func Attach(t *testing.T, ref string, bundles map[string][]byte) {
	t.Helper()
	store, at := Open(t, ref)
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
