package test

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/test/harness"
)

// TestContainerDisk publishes a disk as KubeVirt boots it beside the plain
// one, to a folder and to a registry: each is signed with all that is stated,
// both are judged, and the disk's file is verified by what lies beside it.
func TestContainerDisk(t *testing.T) {
	s := harness.Branch(t)
	s.Replace("app.yaml", "formats: [qcow2, raw]", "formats: [qcow2]")
	policy := s.Policy("gate: {allowSkippedTests: true}\n")
	for _, to := range []string{registry.LayoutPrefix + filepath.Join(s.Out, "published"), harness.Serve(t, harness.Distribution(t)).Host + "/team"} {
		publish := []string{"--target", "disk", "--skip-tests", "--containerdisk", "--policy", policy, "--registry", to}
		r := s.Publish(publish...).Result(t)
		if len(r.Published) != 2 || r.Published[0].Repository != to+"/web-disk" || r.Published[1].Repository != to+"/web-containerdisk" {
			t.Fatalf("published is %+v", r.Published)
		}
		for _, p := range r.Published {
			if p.Again || p.Kind != artifact.Disk || p.Verdict != "passed" || len(p.Referrers) != len(harness.Stated()) {
				t.Errorf("published is %+v", p)
			}
			s.Verify("--public-key", s.Public, p.Ref).Want(t, 0).Says(t, append(harness.Stated(), p.Digest)...)
		}
		ref := r.Published[1].Repository
		if !strings.HasPrefix(ref, registry.LayoutPrefix) {
			ref += ":latest"
		}
		harness.NewCosign(t, s.Public).Verifies(ref)
		checkContainerDisk(t, r.Published[1].Ref, r.Artifact(t, "qcow2"))
		for _, kind := range []string{"disk", "containerdisk"} {
			for _, name := range []string{"report", "verdict"} {
				path := filepath.Join(s.Out, "web."+kind+"."+name+".json")
				if text := harness.Read(t, path); !strings.Contains(text, `"artifactKind": "disk"`) && !strings.Contains(text, `"artifactKind":"disk"`) {
					t.Errorf("%s is about no disk:\n%.500s", path, text)
				}
			}
		}
		s.Verify("--public-key", s.Public, filepath.Join(s.Out, "web.qcow2")).Want(t, 0).Says(t, harness.Stated()...)
		if again := s.Publish(publish...).Result(t); !again.Published[0].Again || !again.Published[1].Again {
			t.Errorf("the second time: %+v", again.Published)
		}
	}
}

// checkContainerDisk fails the test where an image is not what KubeVirt's
// documentation of containerDisk volumes asks for: the disk below /disk,
// alone, of its user 107.
func checkContainerDisk(t *testing.T, ref string, disk artifact.Artifact) {
	t.Helper()
	store, at := harness.Open(t, ref)
	m, err := registry.Resolve(t.Context(), store, at)
	if err != nil {
		t.Fatal(err)
	}
	layers := harness.Descriptors(t, m)[1:]
	if len(layers) != 1 {
		t.Fatalf("%d layers", len(layers))
	}
	blob, err := store.Blob(t.Context(), layers[0])
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	z, err := gzip.NewReader(blob)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for entries := tar.NewReader(z); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		hash := sha256.New()
		if _, err := io.Copy(hash, entries); err != nil {
			t.Fatal(err)
		}
		found = append(found, fmt.Sprintf("%s %d:%d %o", h.Name, h.Uid, h.Gid, h.Mode))
		if digest := "sha256:" + hex.EncodeToString(hash.Sum(nil)); h.Typeflag == tar.TypeReg && digest != disk.Digest {
			t.Errorf("%s is %s, the disk %s", h.Name, digest, disk.Digest)
		}
	}
	if want := []string{"disk/ 107:107 555", "disk/web.qcow2 107:107 440"}; !slices.Equal(found, want) {
		t.Errorf("the layer holds %q, want %q", found, want)
	}
}
