package registry_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
)

// A blob that is cut while it is read goes on where it was cut; one that is
// cut for good, or wrong, is never taken.
func TestPullThroughTrouble(t *testing.T) {
	handler := registrytest.Memory()
	good := registrytest.Serve(t, handler, nil) + "/team/web"
	c := image(t, strings.Repeat("0123456789abcdef", 1<<16))
	if err := put(t.Context(), registrytest.Open(t, good, registrytest.Fast()), c); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		make registrytest.Trouble
		want fault.Kind
	}{
		"cut once":       {registrytest.On("GET", "/blobs/", 2, registrytest.CutAnswer), -1},
		"always cut":     {registrytest.On("GET", "/blobs/", registrytest.Forever, registrytest.CutAnswer), fault.Network},
		"wrong bytes":    {registrytest.On("GET", "/blobs/", registrytest.Forever, registrytest.Lie()), fault.Integrity},
		"wrong manifest": {registrytest.On("GET", "/manifests/", registrytest.Forever, registrytest.Lie()), fault.Integrity},
		"500":            {registrytest.On("GET", "/blobs/", registrytest.Forever, registrytest.Answer(500)), fault.Network},
		"not there":      {registrytest.On("GET", "/blobs/", registrytest.Forever, registrytest.Answer(404)), fault.Missing},
		"empty":          {registrytest.On("GET", "/blobs/", registrytest.Forever, registrytest.Answer(200)), fault.Network},
		"no ranges":      {registrytest.All(registrytest.On("GET", "/blobs/", 2, registrytest.CutAnswer), withRange(registrytest.Answer(416))), -1},
		"ignores ranges": {registrytest.All(registrytest.On("GET", "/blobs/", 2, registrytest.CutAnswer), withRange(whole)), -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := registrytest.Open(t, registrytest.Serve(t, handler, tt.make)+"/team/web", registrytest.Fast())
			to := filepath.Join(t.TempDir(), "layout")
			_, err := registry.Pull(t.Context(), s, registry.PullOptions{Digest: c.manifest.Digest, Layout: to})
			if tt.want < 0 && err != nil || tt.want >= 0 && (err == nil || fault.KindOf(err) != tt.want) {
				t.Errorf("got %v (kind %d), want kind %d", err, fault.KindOf(err), tt.want)
			}
			_, statErr := os.Stat(filepath.Join(to, "index.json"))
			if (statErr == nil) != (err == nil) {
				t.Errorf("pulled: %v, and the index: %v", err, statErr)
			}
		})
	}
}

// withRange makes trouble for requests for a part.
func withRange(do registrytest.Trouble) registrytest.Trouble {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		return r.Header.Get("Range") != "" && do(w, r, next)
	}
}

func whole(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	r.Header.Del("Range")
	next.ServeHTTP(w, r)
	return true
}
