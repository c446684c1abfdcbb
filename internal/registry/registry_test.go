package registry_test

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	memory "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/registry"
)

func layout(t *testing.T) (dir, digest string) {
	t.Helper()
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := w.WriteHeader(&tar.Header{Name: "page", Mode: 0o644, Size: 2}); err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte("hi"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	digest, err := oci.WriteImage(dir, "linux/amd64", func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return dir, digest
}

// serve starts a registry that refuses the paths for which refuse is not 0.
func serve(t *testing.T, refuse func(*http.Request) int) string {
	t.Helper()
	handler := memory.New(memory.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := refuse(r); status != 0 {
			w.WriteHeader(status)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestPushedImageHasItsDigestAndTheTag(t *testing.T) {
	dir, digest := layout(t)
	host := serve(t, func(*http.Request) int { return 0 })
	ref, err := registry.Push(context.Background(), dir, digest, host+"/team/web")
	if err != nil {
		t.Fatal(err)
	}
	if want := host + "/team/web@" + digest; ref != want {
		t.Errorf("got %s, want %s", ref, want)
	}
	tag, err := name.NewTag(host + "/team/web:" + registry.Tag)
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Get(tag)
	if err != nil || got.Digest.String() != digest {
		t.Errorf("the tag leads to %v (%v), want %s", got, err, digest)
	}
}

func TestTagStaysWhereItWasWhenTheManifestIsRefused(t *testing.T) {
	dir, digest := layout(t)
	host := serve(t, func(r *http.Request) int {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			return http.StatusForbidden
		}
		return 0
	})
	_, err := registry.Push(context.Background(), dir, digest, host+"/team/web")
	if fault.KindOf(err) != fault.Network || !strings.Contains(fault.HintOf(err), "docker login") {
		t.Errorf("got %v (%s), want a network fault with a hint to log in", err, fault.HintOf(err))
	}
	tag, _ := name.NewTag(host + "/team/web:" + registry.Tag)
	if _, err := remote.Get(tag); err == nil {
		t.Error("the tag is there although the manifest was refused")
	}
}

func TestWrongRepositoryIsTheUsersMistake(t *testing.T) {
	dir, digest := layout(t)
	if _, err := registry.Push(context.Background(), dir, digest, "not a name"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("got %v, want an invalid input", err)
	}
}
