package registry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
)

// Cosign's --local-image takes the first manifest that has its annotation, and
// oras finds referrers among what the index names.
func TestLayoutIsReadableByOthers(t *testing.T) {
	ref := registry.LayoutPrefix + filepath.Join(t.TempDir(), "repo")
	s := open(t, ref, fast())
	var newest registry.Content
	for i := range 2 {
		_, newest = image(t, fmt.Sprint(i))
		if _, err := registry.Publish(t.Context(), s, registry.Publication{Content: newest, Signed: signed(t, newest), Version: fmt.Sprintf("1.%d", i), Tags: []string{"latest"}}); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimPrefix(ref, registry.LayoutPrefix), "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct{ Manifests []registry.Descriptor }
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	first := index.Manifests[0]
	if first.Digest != newest.Manifest.Digest || first.Annotations["kind"] != "dev.cosignproject.cosign/image" || first.Platform == nil || first.Platform.Architecture != "amd64" {
		t.Errorf("the index begins with %+v, want the newest image, for cosign, with its platform", first)
	}
	referrers := 0
	for _, d := range index.Manifests {
		if strings.HasPrefix(d.ArtifactType, "application/vnd.dev.sigstore.bundle") {
			referrers++
		}
	}
	if referrers != 4 {
		t.Errorf("the index names %d bundles, want 4", referrers)
	}
	if _, err := os.Stat(filepath.Join(strings.TrimPrefix(ref, registry.LayoutPrefix), "oci-layout")); err != nil {
		t.Error(err)
	}
}

func TestManyPublishersOfOneLayout(t *testing.T) {
	ref := registry.LayoutPrefix + filepath.Join(t.TempDir(), "repo")
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		_, c := image(t, fmt.Sprint(i))
		proof := signed(t, c)
		group.Go(func() {
			_, errs[i] = registry.Publish(context.Background(), open(t, ref, fast()), registry.Publication{Content: c, Signed: proof, Version: fmt.Sprint(i), Tags: []string{"latest"}})
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	s := open(t, ref, fast())
	for i := range errs {
		if !vouched(t, s, fmt.Sprint(i)) {
			t.Errorf("version %d was lost", i)
		}
	}
}

// A layout on a disk that is full keeps what it had.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("mounting a small disk needs root")
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := open(t, registry.LayoutPrefix+filepath.Join(dir, "repo"), fast())
	_, small := image(t, "small")
	if _, err := registry.Publish(t.Context(), s, registry.Publication{Content: small, Signed: signed(t, small), Version: "1.0", Tags: []string{"latest"}}); err != nil {
		t.Fatal(err)
	}
	large := imageIn(t, t.TempDir(), randomText(1<<20))
	_, err := registry.Publish(t.Context(), s, registry.Publication{Content: large, Signed: signed(t, large), Version: "1.1", Tags: []string{"latest"}})
	if !errors.Is(err, syscall.ENOSPC) || fault.KindOf(err) != fault.Build || !strings.Contains(fault.HintOf(err), "make room") {
		t.Errorf("got %v (kind %d, %q), want a full disk", err, fault.KindOf(err), fault.HintOf(err))
	}
	if m, err := registry.Resolve(t.Context(), s, "latest"); err != nil || m.Digest != small.Manifest.Digest || !vouched(t, s, "latest") {
		t.Errorf("latest leads to %s (%v), want what was there", m.Digest, err)
	}
	if _, err := registry.Publish(t.Context(), s, registry.Publication{Content: small, Signed: signed(t, small), Version: "1.2", Tags: []string{"latest"}}); err != nil {
		t.Errorf("the room was not given back: %v", err)
	}
}

func TestDamagedLayout(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir string, c registry.Content){
		"index is nonsense": func(t *testing.T, dir string, _ registry.Content) {
			write(t, filepath.Join(dir, "index.json"), "nonsense")
		},
		"manifest changed": func(t *testing.T, dir string, c registry.Content) {
			write(t, filepath.Join(dir, "blobs", "sha256", c.Manifest.Digest.Encoded()), "{}")
		},
		"blob changed": func(t *testing.T, dir string, c registry.Content) {
			write(t, filepath.Join(dir, "blobs", "sha256", c.Blobs[0].Digest.Encoded()), strings.Repeat("x", int(c.Blobs[0].Size)))
		},
		"digest that climbs": func(t *testing.T, dir string, _ registry.Content) {
			write(t, filepath.Join(dir, "index.json"), `{"schemaVersion":2,"manifests":[{"digest":"sha256:../../../etc/passwd","size":1,"annotations":{"org.opencontainers.image.ref.name":"latest"}}]}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "repo")
			s := open(t, registry.LayoutPrefix+dir, fast())
			_, c := image(t, "hello")
			if _, err := registry.Publish(t.Context(), s, registry.Publication{Content: c, Signed: signed(t, c), Tags: []string{"latest"}}); err != nil {
				t.Fatal(err)
			}
			damage(t, dir, c)
			m, err := registry.Resolve(t.Context(), s, "latest")
			if err == nil {
				_, err = registry.Pull(t.Context(), s, registry.PullOptions{Digest: m.Digest, Layout: t.TempDir()})
			}
			if fault.KindOf(err) != fault.Integrity {
				t.Errorf("got %v, want an integrity fault", err)
			}
		})
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedBlobIsWrittenAgain: a blob that has its size but not its bytes
// does not count as being there.
func TestDamagedBlobIsWrittenAgain(t *testing.T) {
	dir := t.TempDir()
	store := registry.Layout(dir)
	content := []byte("content")
	d := registry.Descriptor{MediaType: "text/plain", Digest: digest.FromBytes(content), Size: int64(len(content))}
	blob := registry.Blob{Descriptor: d, Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
	if err := store.PutBlob(t.Context(), blob); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "blobs", "sha256", d.Digest.Encoded())
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("CONTENT"), 0o644); err != nil {
		t.Fatal(err)
	}
	if has, err := store.HasBlob(t.Context(), d); has || err != nil {
		t.Errorf("a damaged blob is there: %t, %v", has, err)
	}
	if err := store.PutBlob(t.Context(), blob); err != nil {
		t.Fatal(err)
	}
	if has, err := store.HasBlob(t.Context(), d); !has || err != nil {
		t.Errorf("the blob was not written again: %t, %v", has, err)
	}
}
