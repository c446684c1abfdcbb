package registry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
)

// Every kind of store does the same.
func TestStores(t *testing.T) {
	for _, k := range registrytest.Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			ref := k.Ref(t)
			for name, check := range map[string]func(*testing.T, registry.Store){
				"what is put comes back": putAndPull, "what is there is not sent": putAgain, "a tag that stays": tagStays,
				"a tag that moves": tagMoves, "what is not there": notThere, "what refers to an image": referrers,
			} {
				t.Run(name, func(t *testing.T) {
					check(t, registrytest.Open(t, ref+strings.ReplaceAll(name, " ", "-"), registrytest.Fast()))
				})
			}
		})
	}
}

func putAndPull(t *testing.T, s registry.Store) {
	c := image(t, "hello")
	if err := put(t.Context(), s, c, "1.0"); err != nil {
		t.Fatal(err)
	}
	m, err := registry.Resolve(t.Context(), s, "1.0")
	if err != nil || m.Digest != c.manifest.Digest || m.MediaType != c.manifest.MediaType || !bytes.Equal(m.Content, c.manifest.Content) {
		t.Fatalf("the manifest came back as %+v (%v)", m.Descriptor, err)
	}
	to := filepath.Join(t.TempDir(), "pulled")
	pulled, err := registry.Pull(t.Context(), s, registry.PullOptions{Digest: m.Digest, Layout: to})
	if err != nil || pulled != m.Digest {
		t.Fatalf("pulled %s and %v, want %s", pulled, err, m.Digest)
	}
	for _, b := range c.blobs {
		if has, err := registry.Layout(to).HasBlob(t.Context(), b.Descriptor); !has || err != nil {
			t.Errorf("%s was not pulled (%v)", b.Digest, err)
		}
	}
}

func putAgain(t *testing.T, s registry.Store) {
	c := image(t, "sent twice to "+s.Name()) // repositories of one registry may share blobs
	sent, _, err := registry.PutBlobs(t.Context(), s, c.blobs)
	if err != nil || sent == 0 {
		t.Fatalf("sent %d bytes and %v", sent, err)
	}
	if again, skipped, err := registry.PutBlobs(t.Context(), s, c.blobs); again != 0 || skipped != sent || err != nil {
		t.Errorf("sent %d bytes again and skipped %d (%v), want 0 and %d", again, skipped, err, sent)
	}
	first, err := s.PutManifest(t.Context(), c.manifest)
	if err != nil || first != c.manifest.Size {
		t.Errorf("the manifest took %d bytes (%v), want %d", first, err, c.manifest.Size)
	}
	if again, err := s.PutManifest(t.Context(), c.manifest); again != 0 || err != nil {
		t.Errorf("the manifest took %d bytes again (%v)", again, err)
	}
}

func tagStays(t *testing.T, s registry.Store) {
	old, other, taken := image(t, "one"), image(t, "two"), false
	for _, c := range []content{old, other} {
		if err := put(t.Context(), s, c); err != nil {
			t.Fatal(err)
		}
	}
	version := func(c content) registry.TagRequest {
		return registry.TagRequest{Name: "1.0", Manifest: c.manifest, Immutable: true}
	}
	for range 2 {
		for _, c := range []content{old, other} {
			if err := registry.CheckVersion(t.Context(), s, "1.0", c.manifest); (c.manifest.Digest == old.manifest.Digest || !taken) != (err == nil) {
				t.Errorf("asked before anything is sent, with the version taken: %t, got %v", taken, err)
			}
		}
		if err := s.SetTag(t.Context(), version(old)); err != nil {
			t.Fatal(err)
		}
		taken = true
	}
	if err := s.SetTag(t.Context(), version(other)); fault.KindOf(err) != fault.Policy || fault.HintOf(err) == "" {
		t.Errorf("got %v (%s), want a policy fault with a hint", err, fault.HintOf(err))
	}
	if m, err := registry.Resolve(t.Context(), s, "1.0"); err != nil || m.Digest != old.manifest.Digest {
		t.Errorf("the tag leads to %s (%v), want %s", m.Digest, err, old.manifest.Digest)
	}
}

func tagMoves(t *testing.T, s registry.Store) {
	for _, text := range []string{"one", "two"} {
		c := image(t, text)
		if err := put(t.Context(), s, c, registry.Tag); err != nil {
			t.Fatal(err)
		}
		if m, err := registry.Resolve(t.Context(), s, ""); err != nil || m.Digest != c.manifest.Digest {
			t.Errorf("latest leads to %s (%v), want %s", m.Digest, err, c.manifest.Digest)
		}
	}
}

func notThere(t *testing.T, s registry.Store) {
	none := digest.FromString("none")
	for _, at := range []string{"none", none.String()} {
		if _, err := registry.Resolve(t.Context(), s, at); !errors.Is(err, registry.ErrNotFound) || fault.KindOf(err) != fault.Missing {
			t.Errorf("%s: got %v, want that it is not found", at, err)
		}
	}
	if _, err := registry.ReadBlob(t.Context(), s, registry.Descriptor{Digest: none, Size: 1}, 1); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("got %v, want that there is no such blob", err)
	}
	if found, err := s.Referrers(t.Context(), none); err != nil || len(found) != 0 {
		t.Errorf("%d manifests refer to nothing (%v)", len(found), err)
	}
}

func referrers(t *testing.T, s registry.Store) {
	c := image(t, "hello")
	if err := put(t.Context(), s, c); err != nil {
		t.Fatal(err)
	}
	empty := registry.InMemory(registry.Descriptor{MediaType: "application/vnd.oci.empty.v1+json", Digest: digest.FromString("{}"), Size: 2}, []byte("{}"))
	text, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "text/vouched",
		"config": empty.Descriptor, "layers": []registry.Descriptor{empty.Descriptor}, "subject": c.manifest.Descriptor,
	})
	if err != nil {
		t.Fatal(err)
	}
	m := registry.NewManifest("application/vnd.oci.image.manifest.v1+json", text)
	d, subject, err := m.Referrer()
	if err != nil || subject != c.manifest.Digest {
		t.Fatalf("it refers to %s (%v), want %s", subject, err, c.manifest.Digest)
	}
	if err := put(t.Context(), s, content{m, []registry.Blob{empty}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Attach(t.Context(), subject, []registry.Descriptor{d}); err != nil {
			t.Fatal(err)
		}
	}
	found, err := s.Referrers(t.Context(), subject)
	if err != nil || len(found) != 1 || found[0].Digest != m.Digest {
		t.Errorf("got %+v and %v, want the one manifest", found, err)
	}
}

// A blob whose bytes are others than its digest says is never stored.
func TestStoresRefuseWrongBlobs(t *testing.T) {
	for _, k := range registrytest.Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			s := registrytest.Open(t, k.Ref(t), registrytest.Fast())
			for name, content := range map[string]string{"shorter": "hell", "longer": "hallo!", "other": "hallo"} {
				d := registry.Descriptor{Digest: digest.FromString("hello"), Size: 5}
				if err := s.PutBlob(t.Context(), registry.InMemory(d, []byte(content))); fault.KindOf(err) != fault.Integrity {
					t.Errorf("%s: got %v, want an integrity fault", name, err)
				}
				if r, err := s.Blob(t.Context(), d); err == nil {
					_, err = io.ReadAll(r)
					t.Errorf("%s: the blob is there (%v)", name, err)
				}
			}
		})
	}
}
