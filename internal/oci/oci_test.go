package oci

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// TestReplaceKeepsBlobsAndWholeness replaces a layout by another that shares
// its blobs, and puts one where none stands.
func TestReplaceKeepsBlobsAndWholeness(t *testing.T) {
	dir := t.TempDir()
	standing, made, fresh := filepath.Join(dir, "standing"), filepath.Join(dir, "made"), filepath.Join(dir, "fresh")
	write := func(dir, content string) string {
		digest, err := WriteImage(dir, "linux/amd64", io.NopCloser(strings.NewReader(content)))
		if err != nil {
			t.Fatal(err)
		}
		return digest
	}
	names := func(dir, digest string) {
		t.Helper()
		named, err := Only(dir)
		if err != nil || named != digest {
			t.Errorf("%s names %s, want %s: %v", dir, named, digest, err)
		}
		if _, err := Size(dir, digest); err != nil {
			t.Error(err)
		}
	}
	old := write(standing, "old")
	before, err := os.Stat(blobPath(standing, old))
	if err != nil {
		t.Fatal(err)
	}
	if err := Share(standing, made); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(blobPath(made, old)); err != nil || !os.SameFile(before, after) {
		t.Errorf("the blob is not shared: %v", err)
	}
	if err := os.RemoveAll(made); err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(dir, "damaged")
	broken := write(damaged, "damaged")
	if err := os.WriteFile(blobPath(damaged, broken), []byte("cut"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Share(damaged, made); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(blobsPath(made)); err != nil || len(left) != 2 {
		t.Errorf("of a config, a layer and a damaged manifest %d are shared: %v", len(left), err)
	}
	if err := os.RemoveAll(made); err != nil {
		t.Fatal(err)
	}
	next := write(made, "new")
	names(standing, old)
	if err := Replace(standing, made); err != nil {
		t.Fatal(err)
	}
	names(standing, next)
	if _, err := os.Stat(blobPath(standing, old)); err == nil {
		t.Error("the old image's blobs stay")
	}
	if err := Share(fresh, made); err != nil {
		t.Errorf("nothing to share is an error: %v", err)
	}
	if err := Replace(fresh, standing); err != nil {
		t.Fatal(err)
	}
	names(fresh, next)
}

// TestPipeAmongBlobs: a base image in whose layout a named pipe or a device
// stands in the place of a blob is not given to the engine.
func TestPipeAmongBlobs(t *testing.T) {
	for name, plant := range map[string]func(path string) error{
		"a pipe":             func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a link to a device": func(path string) error { return os.Symlink("/dev/zero", path) },
		"a folder":           func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		dir := t.TempDir()
		if _, err := WriteImage(dir, "linux/amd64", io.NopCloser(strings.NewReader("layer"))); err != nil {
			t.Fatal(err)
		}
		if _, err := Only(dir); err != nil {
			t.Fatal(err)
		}
		if err := plant(blobPath(dir, "sha256:"+strings.Repeat("a", 64))); err != nil {
			t.Fatal(err)
		}
		if digest, err := Only(dir); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %s, %v", name, digest, err)
		}
	}
}

// TestShortReads has an index and a manifest that go on after what is read:
// valid JSON up to the limit, and another image after it.
func TestShortReads(t *testing.T) {
	dir := t.TempDir()
	digest, err := WriteImage(dir, "linux/amd64", io.NopCloser(strings.NewReader("layer")))
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"index": filepath.Join(dir, "index.json"), "manifest": blobPath(dir, digest)} {
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		padded := append(whole, strings.Repeat(" ", maxIndex-len(whole))...)
		if err := os.WriteFile(file, append(padded, '}'), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err = Only(dir); name == "manifest" {
			_, _, err = manifest(dir, digest)
		}
		if !errors.As(err, new(*limit.Error)) {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.WriteFile(file, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
