package publish_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
)

// Every kind of store does the same.
func TestStores(t *testing.T) {
	for _, k := range registrytest.Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			ref := k.Ref(t)
			t.Run("publish and read back", func(t *testing.T) { publishAndRead(t, ref) })
			t.Run("publish again", func(t *testing.T) { publishAgain(t, ref+"2") })
			t.Run("a version stays", func(t *testing.T) { versionStays(t, ref+"3") })
			t.Run("what is not there", func(t *testing.T) { notThere(t, ref+"4") })
			t.Run("unsigned", func(t *testing.T) { unsigned(t, ref+"5") })
			t.Run("disk", func(t *testing.T) { disk(t, ref+"6") })
			t.Run("classic signature", func(t *testing.T) { classic(t, ref+"7") })
			t.Run("what strangers attach", func(t *testing.T) { untrusted(t, ref+"8") })
		})
	}
}

func publishAndRead(t *testing.T, ref string) {
	s := registrytest.Open(t, ref, registrytest.Fast())
	_, c := image(t, "hello")
	made := signed(t, c)
	out, err := publish.Publish(t.Context(), s, publish.Publication{Content: c, Signed: made, Version: "1.0", Tags: []string{"latest", "stable"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := s.Name() + "@" + c.Manifest.Digest.String(); out.Ref != want || out.Uploaded == 0 || len(out.Referrers) != 2 || len(out.Tags) != 3 {
		t.Errorf("got %+v, want the reference %s, two referrers and three tags", out, want)
	}
	for _, tag := range []string{"1.0", "latest", "stable"} {
		if !vouched(t, s, tag) {
			t.Errorf("the tag %s is not there", tag)
		}
	}
	bundles, _, err := publish.ReadBundles(t.Context(), s, c.Manifest.Digest)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range made.Bundles() {
		if !slices.ContainsFunc(bundles, func(got []byte) bool { return bytes.Equal(got, b.JSON) }) {
			t.Errorf("the bundle of %s did not come back", b.PredicateType)
		}
	}
}

func publishAgain(t *testing.T, ref string) {
	o := registrytest.Fast()
	count := &registrytest.Counted{}
	o.Transport = count
	s := registrytest.Open(t, ref, o)
	_, c := image(t, "hello")
	p := publish.Publication{Content: c, Signed: signed(t, c), Version: "1.0", Tags: []string{"latest"}}
	first, err := publish.Publish(t.Context(), s, p)
	if err != nil {
		t.Fatal(err)
	}
	uploads, puts := count.Uploads.Load(), count.Puts.Load()
	second, err := publish.Publish(t.Context(), s, p)
	if err != nil {
		t.Fatal(err)
	}
	if second.Uploaded != 0 || second.Skipped != first.Uploaded+first.Skipped {
		t.Errorf("sent %d bytes and skipped %d, want 0 and %d", second.Uploaded, second.Skipped, first.Uploaded)
	}
	if count.Uploads.Load() != uploads || count.Puts.Load() != puts {
		t.Errorf("%d uploads and %d manifests were sent a second time", count.Uploads.Load()-uploads, count.Puts.Load()-puts)
	}
}

func versionStays(t *testing.T, ref string) {
	s := registrytest.Open(t, ref, registrytest.Fast())
	_, old := image(t, "one")
	_, other := image(t, "two")
	if _, err := publish.Publish(t.Context(), s, publish.Publication{Content: old, Signed: signed(t, old), Version: "1.0", Tags: []string{"latest"}}); err != nil {
		t.Fatal(err)
	}
	_, err := publish.Publish(t.Context(), s, publish.Publication{Content: other, Signed: signed(t, other), Version: "1.0", Tags: []string{"latest"}})
	if fault.KindOf(err) != fault.Policy || fault.HintOf(err) == "" {
		t.Errorf("got %v (%s), want a policy fault with a hint", err, fault.HintOf(err))
	}
	for _, tag := range []string{"1.0", "latest"} {
		if m, err := registry.Resolve(t.Context(), s, tag); err != nil || m.Digest != old.Manifest.Digest {
			t.Errorf("%s leads to %s (%v), want %s", tag, m.Digest, err, old.Manifest.Digest)
		}
	}
	if _, err := publish.Publish(t.Context(), s, publish.Publication{Content: other, Signed: signed(t, other), Version: "1.1", Tags: []string{"latest"}}); err != nil {
		t.Fatal(err)
	}
	if m, err := registry.Resolve(t.Context(), s, ""); err != nil || m.Digest != other.Manifest.Digest {
		t.Errorf("latest leads to %s (%v), want %s", m.Digest, err, other.Manifest.Digest)
	}
}

func notThere(t *testing.T, ref string) {
	s := registrytest.Open(t, ref, registrytest.Fast())
	for _, at := range []string{"none", digest.FromString("none").String()} {
		if _, err := registry.Resolve(t.Context(), s, at); !errors.Is(err, registry.ErrNotFound) || fault.KindOf(err) != fault.Missing {
			t.Errorf("%s: got %v, want that it is not found", at, err)
		}
	}
	if bundles, _, err := publish.ReadBundles(t.Context(), s, digest.FromString("none")); err != nil || len(bundles) != 0 {
		t.Errorf("got %d bundles and %v, want none", len(bundles), err)
	}
	if found, err := publish.ClassicSignatures(t.Context(), s, digest.FromString("none")); err != nil || len(found) != 0 {
		t.Errorf("got %d signatures and %v, want none", len(found), err)
	}
}

func unsigned(t *testing.T, ref string) {
	s := registrytest.Open(t, ref, registrytest.Fast())
	_, c := image(t, "one")
	_, other := image(t, "two")
	for name, proof := range map[string]attest.Signed{"nothing": {}, "other content": signed(t, other)} {
		if _, err := publish.Publish(t.Context(), s, publish.Publication{Content: c, Signed: proof, Tags: []string{"latest"}}); fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s signed: got %v, want an integrity fault", name, err)
		}
	}
	if _, err := s.Manifest(t.Context(), c.Manifest.Digest.String()); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("something unsigned was sent (%v)", err)
	}
}

func disk(t *testing.T, ref string) {
	s := registrytest.Open(t, ref, registrytest.Fast())
	dir := t.TempDir()
	text := append(bytes.Repeat([]byte{0}, 3<<20), "the end"...)
	path := filepath.Join(dir, "web.raw")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := publish.Disk(t.Context(), publish.DiskOptions{Files: []publish.DiskFile{{Path: path, Format: "raw"}}, App: "web", Platform: "linux/amd64", Cache: filepath.Join(dir, "cache")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := publish.Publish(t.Context(), s, publish.Publication{Content: c, Signed: signed(t, c), Tags: []string{"disk"}}); err != nil {
		t.Fatal(err)
	}
	back := filepath.Join(dir, "back.raw")
	if err := publish.PullFile(t.Context(), s, c.Manifest.Digest, "raw", back); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, text) {
		t.Errorf("the disk came back changed (%v)", err)
	}
	if err := publish.PullFile(t.Context(), s, c.Manifest.Digest, "vhd", back); fault.KindOf(err) != fault.Invalid {
		t.Errorf("got %v, want that there is no such format", err)
	}
}

func classic(t *testing.T, ref string) {
	s := registrytest.Open(t, ref, registrytest.Fast())
	_, subject := image(t, "signed by the old cosign")
	payload := `{"critical":{}}`
	layer := registry.Descriptor{
		MediaType: "application/vnd.dev.cosign.simplesigning.v1+json", Digest: digest.FromString(payload), Size: int64(len(payload)),
		Annotations: map[string]string{"dev.cosignproject.cosign/signature": "c2ln"},
	}
	if err := s.PutBlob(t.Context(), registry.InMemory(layer, []byte(payload))); err != nil {
		t.Fatal(err)
	}
	config := registry.Descriptor{MediaType: "application/vnd.oci.image.config.v1+json", Digest: digest.FromString("{}"), Size: 2}
	if err := s.PutBlob(t.Context(), registry.InMemory(config, []byte("{}"))); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": []registry.Descriptor{layer},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := registry.NewManifest("application/vnd.oci.image.manifest.v1+json", text)
	if _, err := s.PutManifest(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	tag := strings.Replace(subject.Manifest.Digest.String(), ":", "-", 1) + ".sig"
	if err := s.SetTag(t.Context(), registry.TagRequest{Name: tag, Manifest: m}); err != nil {
		t.Fatal(err)
	}
	found, err := publish.ClassicSignatures(t.Context(), s, subject.Manifest.Digest)
	if err != nil || len(found) != 1 || string(found[0].Payload) != payload || found[0].Signature != "c2ln" {
		t.Errorf("got %q and %v, want the one signature", found, err)
	}
}

// strangers attaches what cannot be read as a bundle, as far as the store lets
// it in: the publisher's own bundles are read all the same.
func untrusted(t *testing.T, ref string) {
	s := registrytest.Open(t, ref, registrytest.Fast())
	_, c := image(t, "of interest")
	made := signed(t, c)
	if _, err := publish.Publish(t.Context(), s, publish.Publication{Content: c, Signed: made, Version: "1.0"}); err != nil {
		t.Fatal(err)
	}
	const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	config := registry.Descriptor{MediaType: "application/vnd.oci.empty.v1+json", Digest: digest.FromString("{}"), Size: 2}
	none := registry.Descriptor{MediaType: bundleType, Digest: digest.FromString("")}
	for _, b := range []registry.Blob{registry.InMemory(config, []byte("{}")), registry.InMemory(none, nil)} {
		if err := s.PutBlob(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	none.Size = 9
	attach := func(layer registry.Descriptor, about digest.Digest) bool {
		text, err := json.Marshal(map[string]any{
			"schemaVersion": 2, "mediaType": c.Manifest.MediaType, "artifactType": bundleType, "config": config, "layers": []registry.Descriptor{layer},
			"subject": registry.Descriptor{MediaType: c.Manifest.MediaType, Digest: about, Size: c.Manifest.Size},
		})
		if err != nil {
			t.Fatal(err)
		}
		m := registry.NewManifest(c.Manifest.MediaType, text)
		if _, err := s.PutManifest(t.Context(), m); err != nil {
			return false
		}
		d := m.Descriptor
		d.ArtifactType = bundleType
		if err := s.Attach(t.Context(), c.Manifest.Digest, []registry.Descriptor{d}); err != nil {
			t.Fatal(err)
		}
		return true
	}
	let := 0
	for _, in := range []bool{
		attach(registry.Descriptor{MediaType: bundleType, Digest: digest.FromString("nowhere"), Size: 7}, c.Manifest.Digest),
		attach(registry.Descriptor{MediaType: bundleType, Digest: config.Digest, Size: 3}, c.Manifest.Digest),
		attach(registry.Descriptor{MediaType: bundleType, Digest: config.Digest, Size: 1 << 40}, c.Manifest.Digest),
		attach(none, c.Manifest.Digest),
	} {
		if in {
			let++
		}
	}
	bundles, unread, err := publish.ReadBundles(t.Context(), s, c.Manifest.Digest)
	if err != nil || let == 0 || len(unread) != let {
		t.Errorf("%d were let in, %d not read: %v, %v", let, len(unread), unread, err)
	}
	for _, b := range made.Bundles() {
		if !slices.ContainsFunc(bundles, func(got []byte) bool { return bytes.Equal(got, b.JSON) }) {
			t.Errorf("the bundle of %s did not come back", b.PredicateType)
		}
	}
}
