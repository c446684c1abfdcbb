package registry_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
)

// A layout on a disk that is full keeps what it had.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("mounting a small disk needs root")
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := registrytest.Open(t, registry.LayoutPrefix+filepath.Join(dir, "repo"), registrytest.Fast())
	small := image(t, "small")
	if err := put(t.Context(), s, small, "latest"); err != nil {
		t.Fatal(err)
	}
	err := put(t.Context(), s, image(t, random(1<<20)), "latest")
	if !errors.Is(err, syscall.ENOSPC) || fault.KindOf(err) != fault.Build || !strings.Contains(fault.HintOf(err), "make room") {
		t.Errorf("got %v (kind %d, %q), want a full disk", err, fault.KindOf(err), fault.HintOf(err))
	}
	if m, err := registry.Resolve(t.Context(), s, "latest"); err != nil || m.Digest != small.manifest.Digest {
		t.Errorf("latest leads to %s (%v), want what was there", m.Digest, err)
	}
	if err := put(t.Context(), s, image(t, "another"), "latest"); err != nil {
		t.Errorf("the room was not given back: %v", err)
	}
}

func TestDamagedLayout(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir string, c content){
		"index is nonsense": func(t *testing.T, dir string, _ content) {
			write(t, filepath.Join(dir, "index.json"), "nonsense")
		},
		"manifest changed": func(t *testing.T, dir string, c content) {
			write(t, filepath.Join(dir, "blobs", "sha256", c.manifest.Digest.Encoded()), "{}")
		},
		"blob changed": func(t *testing.T, dir string, c content) {
			write(t, filepath.Join(dir, "blobs", "sha256", c.blobs[0].Digest.Encoded()), strings.Repeat("x", int(c.blobs[0].Size)))
		},
		"digest that climbs": func(t *testing.T, dir string, _ content) {
			write(t, filepath.Join(dir, "index.json"), `{"schemaVersion":2,"manifests":[{"digest":"sha256:../../../etc/passwd","size":1,"annotations":{"org.opencontainers.image.ref.name":"latest"}}]}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "repo")
			s := registrytest.Open(t, registry.LayoutPrefix+dir, registrytest.Fast())
			c := image(t, "hello")
			if err := put(t.Context(), s, c, "latest"); err != nil {
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
	text := []byte("content")
	d := registry.Descriptor{MediaType: "text/plain", Digest: digest.FromBytes(text), Size: int64(len(text))}
	blob := registry.InMemory(d, text)
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

// TestPipeInALayout: a named pipe in the place of a file keeps no reader
// waiting, and none is believed to be there.
func TestPipeInALayout(t *testing.T) {
	for name, place := range map[string]func(c content) string{
		"index":    func(content) string { return "index.json" },
		"manifest": func(c content) string { return "blobs/sha256/" + c.manifest.Digest.Encoded() },
		"blob":     func(c content) string { return "blobs/sha256/" + c.blobs[0].Digest.Encoded() },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "repo")
			s := registrytest.Open(t, registry.LayoutPrefix+dir, registrytest.Fast())
			c := image(t, "hello")
			if err := put(t.Context(), s, c, "latest"); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, place(c))
			if err := errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o600)); err != nil {
				t.Fatal(err)
			}
			pulled := make(chan error, 1)
			go func() {
				m, err := registry.Resolve(t.Context(), s, "latest")
				if err == nil {
					_, err = registry.Pull(t.Context(), s, registry.PullOptions{Digest: m.Digest, Layout: t.TempDir()})
				}
				pulled <- err
			}()
			select {
			case err := <-pulled:
				if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "named pipe") {
					t.Errorf("got %v", err)
				}
			case <-time.After(time.Minute):
				t.Fatal("it waits for a writer")
			}
		})
	}
}

// TestSecondLatest: of two manifests under one name neither is taken, and
// nothing is published over them; the digests still lead there.
func TestSecondLatest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "repo")
	s := registrytest.Open(t, registry.LayoutPrefix+dir, registrytest.Fast())
	one, two := image(t, "one"), image(t, "two")
	for _, c := range []content{one, two} {
		if err := put(t.Context(), s, c, "latest"); err != nil {
			t.Fatal(err)
		}
	}
	entry := func(c content) string {
		return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d,"annotations":{"org.opencontainers.image.ref.name":"latest"}}`,
			c.manifest.MediaType, c.manifest.Digest, c.manifest.Size)
	}
	write(t, filepath.Join(dir, "index.json"), `{"schemaVersion":2,"manifests":[`+entry(one)+","+entry(two)+"]}")
	for _, name := range []string{"latest", ""} {
		if _, err := registry.Resolve(t.Context(), s, name); fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), two.manifest.Digest.String()) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := put(t.Context(), s, image(t, "three"), "latest"); fault.KindOf(err) != fault.Integrity {
		t.Errorf("publishing over both: %v", err)
	}
	if m, err := registry.Resolve(t.Context(), s, two.manifest.Digest.String()); err != nil || m.Digest != two.manifest.Digest {
		t.Errorf("by digest: %v", err)
	}
	write(t, filepath.Join(dir, "index.json"), `{"schemaVersion":2,"manifests":[`+entry(one)+","+entry(one)+"]}")
	if m, err := registry.Resolve(t.Context(), s, ""); err != nil || m.Digest != one.manifest.Digest {
		t.Errorf("one manifest that is named twice: %v", err)
	}
}
