package engine

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/fault"
)

const manifestKind = "application/vnd.oci.image.manifest.v1+json"

// imageAt serves one empty image as a registry would, and returns its
// reference and how often its manifest was asked for.
func imageAt(t *testing.T) (ref, digest string, asked *int) {
	t.Helper()
	var layer bytes.Buffer
	packed := gzip.NewWriter(&layer)
	empty := make([]byte, 1024)
	_, _ = packed.Write(empty)
	_ = packed.Close()
	blobs := map[string][]byte{}
	put := func(data []byte) string {
		name := sum(data)
		blobs[name] = data
		return name
	}
	config := put(fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[%q]}}`, sum(empty)))
	descriptor := func(kind, name string) string {
		return fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.%s","digest":%q,"size":%d}`, kind, name, len(blobs[name]))
	}
	manifest := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]}`,
		manifestKind, descriptor("config.v1+json", config), descriptor("layer.v1.tar+gzip", put(layer.Bytes())))
	digest = put(manifest)
	asked = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if strings.Contains(r.URL.Path, "/manifests/") {
			*asked++
			name = digest
			w.Header().Set("Content-Type", manifestKind)
		}
		w.Header().Set("Docker-Content-Digest", name)
		_, _ = w.Write(blobs[name])
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://") + "/tools", digest, asked
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(s[:])
}

// TestEngineThatDoesNotAsk: an engine that knows no judge of images is refused
// before it fetches one, and one that says it does and does not ask makes
// nothing that is used.
func TestEngineThatDoesNotAsk(t *testing.T) {
	needEngine(t)
	state := t.TempDir()
	open(t, state)
	socket := filepath.Join(state, "engine", "sock")
	ref, digest, asked := imageAt(t)
	dockerfile := "FROM base\nCOPY --from=" + ref + "@" + digest + " / /x/\nRUN echo made >/text\n"
	for _, c := range []struct {
		name   string
		by     change
		refuse string
	}{
		{"an older one", anOlderOne, "too old to ask"},
		{"one that says it does", withoutAsking, "did not ask"},
		{"one that does", func(_ string, _ bool, message []byte) []byte { return message }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := Open(t.Context(), Options{Address: changed(t, socket, c.by)})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			k, _ := newSession(t, e, progress.Quiet)
			judged := 0
			k.Judge = func(_ context.Context, ref string) (string, error) { judged++; return ref, nil }
			before := *asked
			got, err := built(t, k, dockerfile)
			if c.refuse == "" {
				if err != nil || got != "made" || judged == 0 {
					t.Fatalf("made %q after %d questions: %v", got, judged, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.refuse) || got != "" || judged != 0 {
				t.Errorf("made %q after %d questions: %v", got, judged, err)
			}
			if kind := fault.KindOf(err); kind != fault.Missing && kind != fault.Policy {
				t.Errorf("the error is of kind %v", kind)
			}
			if c.refuse == "too old to ask" && *asked != before {
				t.Error("an image was fetched before the engine was refused")
			}
		})
	}
	e, err := Open(t.Context(), Options{Address: changed(t, socket, withoutAsking)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	k, _ := newSession(t, e, progress.Quiet)
	k.Judge = func(_ context.Context, ref string) (string, error) { return ref, nil }
	k.Locals["context"] = dockerfileIn(t, dockerfile)
	judge(t, k.JudgeDockerfile(t.Context(), "context", "Dockerfile", []string{"base"}), fault.Policy, "", "did not ask")
}
