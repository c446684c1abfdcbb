// Package registrytest gives tests small real registries, folders and servers,
// and the trouble that real ones make.
package registrytest

import (
	"archive/tar"
	"bytes"
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
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory" // registers the driver
	memory "github.com/google/go-containerregistry/pkg/registry"
	"github.com/sirupsen/logrus"

	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/registry"
)

// Image makes a layout folder with an image of one file, and returns both.
func Image(t testing.TB, text string) (dir, digest string) {
	t.Helper()
	dir = t.TempDir()
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := w.WriteHeader(&tar.Header{Name: "page", Mode: 0o644, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	made, err := oci.WriteImage(dir, "linux/amd64", io.NopCloser(&layer))
	if err != nil {
		t.Fatal(err)
	}
	return dir, made
}

// Fast waits little between attempts.
func Fast() registry.Options {
	return registry.Options{FirstWait: time.Millisecond, MaxWait: 20 * time.Millisecond, Settle: time.Millisecond}
}

// Open returns the repository of a reference.
func Open(t testing.TB, ref string, o registry.Options) registry.Store {
	t.Helper()
	s, _, err := registry.Open(ref, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Kind is one kind of store.
type Kind struct {
	Name string
	// Ref is the reference of a fresh repository.
	Ref func(testing.TB) string
}

// Kinds are all kinds of stores; the last one skips a test where Debian's
// docker-registry is not installed.
func Kinds() []Kind {
	return []Kind{
		{"layout", func(t testing.TB) string { return registry.LayoutPrefix + filepath.Join(t.TempDir(), "repo") }},
		{"with referrers API", func(t testing.TB) string { return Serve(t, Memory(), nil) + "/team/web" }},
		{"without referrers API", func(t testing.TB) string { return Serve(t, Distribution(t), nil) + "/team/web" }},
		{"docker-registry", dockerRegistry},
	}
}

// Memory is a registry in memory that has the API for referrers.
func Memory() http.Handler {
	return memory.New(memory.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)), memory.WithReferrersSupport(true))
}

// Distribution is the registry that most registries are made of; it has no API
// for referrers.
func Distribution(t testing.TB) http.Handler {
	logrus.SetOutput(io.Discard)
	config := &configuration.Configuration{Storage: configuration.Storage{"inmemory": {}, "maintenance": {"uploadpurging": map[any]any{"enabled": false}}}}
	config.HTTP.Secret = "of a test"
	return handlers.NewApp(t.Context(), config)
}

// Serve serves a registry on the loopback until the test ends, with trouble
// unless it is nil, and returns its host and port.
func Serve(t testing.TB, handler http.Handler, make Trouble) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if make == nil || !make(w, r, handler) {
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

// Counted counts the requests that change something.
type Counted struct {
	// Uploads are blobs that were begun, Puts manifests that were sent.
	Uploads, Puts atomic.Int64
}

// RoundTrip makes a request.
func (c *Counted) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/"):
		c.Puts.Add(1)
	case r.Method == http.MethodPost:
		c.Uploads.Add(1)
	}
	return http.DefaultTransport.RoundTrip(r)
}
