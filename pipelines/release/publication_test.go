package release

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
)

// TestBundlesRemoved takes away what was published, all of it or one thing, or
// edits the list of it: then it is not there, and is published again.
func TestBundlesRemoved(t *testing.T) {
	remove := func(path func(p flowtest.Repository, s subject) string) func(*testing.T, flowtest.Repository, Publisher, subject) {
		return func(t *testing.T, p flowtest.Repository, _ Publisher, s subject) {
			t.Helper()
			if err := os.Remove(path(p, s)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, change := range map[string]func(*testing.T, flowtest.Repository, Publisher, subject){
		"nothing":              func(*testing.T, flowtest.Repository, Publisher, subject) {},
		"all bundles":          unlisted,
		"the blob of a bundle": remove(func(p flowtest.Repository, _ subject) string { return p.Blob(intoto.CycloneDXType) }),
		"a layer": remove(func(p flowtest.Repository, _ subject) string {
			return filepath.Join(strings.TrimPrefix(p.Name, registry.LayoutPrefix), "blobs/sha256", p.Content.Blobs[0].Digest.Encoded())
		}),
		"the bundles beside a disk": remove(func(_ flowtest.Repository, s subject) string { return s.made[0].Path + results.BundlesSuffix }),
		"an edited list": func(t *testing.T, _ flowtest.Repository, k Publisher, _ subject) {
			t.Helper()
			replace(t, k.Folder.PublicationPath("web"), `"passed"`, `"PASSED"`)
		},
		"edited bundles beside a disk": func(t *testing.T, _ flowtest.Repository, _ Publisher, s subject) {
			t.Helper()
			replace(t, s.made[0].Path+results.BundlesSuffix, "dsse", "DSSE")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := flowtest.NewRepository(t)
			k, s := publisher(p), subjectOf(p)
			k.Folder = results.Folder{Path: t.TempDir(), Vouch: vouchtest.Key(t)}
			s.made, s.beside = []artifact.Artifact{flowtest.Disk(t, k.Folder.Path, "raw", "disk")}, true
			done, err := k.sendAll(t.Context(), []subject{s}, []attest.Signed{p.Sign(p.Key, nil)}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			done[0].Key, done[0].Verdict = "key", "passed"
			if err := k.Folder.WritePublications("web", done); err != nil {
				t.Fatal(err)
			}
			k.Signer = func(context.Context) (attest.Signer, error) { return attest.ByKey(p.Key), nil }
			change(t, p, k, s)
			again, err := k.published(t.Context(), "web", "key", []subject{s})
			if want := name == "nothing"; (again != nil) != want || err != nil {
				t.Errorf("it is there: %v (%v)", again != nil, err)
			}
			if again, err := k.published(t.Context(), "web", "another", []subject{s}); again != nil || err != nil {
				t.Errorf("what was published for other reasons is there (%v)", err)
			}
			other := flowtest.NewRepository(t).Key
			k.Signer = func(context.Context) (attest.Signer, error) { return attest.ByKey(other), nil }
			if again, err := k.published(t.Context(), "web", "key", []subject{s}); again != nil || err != nil {
				t.Errorf("what another key signed is there (%v)", err)
			}
		})
	}
}

func replace(t *testing.T, path, old, new string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), old) {
		t.Fatalf("%s lacks %q (%v)", path, old, err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// unlisted takes all but what has a name out of a layout's index.
func unlisted(t *testing.T, p flowtest.Repository, _ Publisher, _ subject) {
	t.Helper()
	path := filepath.Join(strings.TrimPrefix(p.Name, registry.LayoutPrefix), "index.json")
	text, err := os.ReadFile(path)
	var index map[string]any
	if err == nil {
		err = json.Unmarshal(text, &index)
	}
	if err != nil {
		t.Fatal(err)
	}
	var named []any
	for _, m := range index["manifests"].([]any) { //nolint:forcetypeassert // it is an index
		if strings.Contains(toJSON(t, m), "org.opencontainers.image.ref.name") {
			named = append(named, m)
		}
	}
	if len(named) == 0 {
		t.Fatalf("no name in %s", text)
	}
	index["manifests"] = named
	if err := os.WriteFile(path, []byte(toJSON(t, index)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func toJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
