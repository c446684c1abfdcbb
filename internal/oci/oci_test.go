package oci

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
	whole := func(dir, digest string) {
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
	next := write(made, "new")
	whole(standing, old)
	if err := Replace(standing, made); err != nil {
		t.Fatal(err)
	}
	whole(standing, next)
	if _, err := os.Stat(blobPath(standing, old)); err == nil {
		t.Error("the old image's blobs stay")
	}
	if err := Share(fresh, made); err != nil {
		t.Errorf("nothing to share is an error: %v", err)
	}
	if err := Replace(fresh, standing); err != nil {
		t.Fatal(err)
	}
	whole(fresh, next)
}
