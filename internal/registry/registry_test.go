package registry_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
)

// serving starts a registry that refuses the paths for which refuse is not 0.
func serving(t *testing.T, refuse func(*http.Request) int) string {
	return serve(t, memoryHandler(), func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		status := refuse(r)
		if status != 0 {
			w.WriteHeader(status)
		}
		return status != 0
	})
}

func TestPushedImageHasItsDigestAndTheTag(t *testing.T) {
	dir, c := image(t, "hi")
	digest := c.Manifest.Digest.String()
	host := serving(t, func(*http.Request) int { return 0 })
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
	dir, c := image(t, "hi")
	digest := c.Manifest.Digest.String()
	host := serving(t, func(r *http.Request) int {
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
	dir, c := image(t, "hi")
	digest := c.Manifest.Digest.String()
	if _, err := registry.Push(context.Background(), dir, digest, "not a name"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("got %v, want an invalid input", err)
	}
}
