package look

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish"
)

// TestFind finds an image, a disk and a disk's file with what was signed about
// them, however they are named.
func TestFind(t *testing.T) {
	s := newShop(t)
	built := s.publish()
	image, disk := s.find(s.image()), s.find(s.disk())
	for name, tt := range map[string]struct {
		named, digest, file string
		bundles             int
	}{
		"a repository":           {s.image(), image.Digest, "", 8},
		"by its digest":          {s.image() + "@" + image.Digest, image.Digest, "", 8},
		"a folder":               {filepath.Join(s.shelf, "web"), image.Digest, "", 8},
		"a disk":                 {s.disk(), disk.Digest, "", 8},
		"a disk's file":          {s.file(), disk.Digest, built.Artifacts[1].Digest, 8},
		"a layout, as built":     {s.p.Folder.Layout("web"), image.Digest, "", 0},
		"a file that nobody has": {s.other(), "", digests.Of([]byte("other")), 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s.r.Find(t.Context(), tt.named)
			if err != nil || got.Digest != tt.digest || got.File != tt.file || len(got.Bundles) != tt.bundles || len(got.Unread) > 0 {
				t.Errorf("found %s %s with %d bundles, %v", got.Digest, got.File, len(got.Bundles), err)
			}
			if tt.file == "" && got.Name != got.Store.Name()+"@"+got.Digest {
				t.Errorf("it is named %s", got.Name)
			}
		})
	}
}

// other is a disk's file of which nothing is said.
func (s *shop) other() string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "other.raw")
	flowtest.Must(s.t, os.WriteFile(path, []byte("other"), 0o600))
	return path
}

// TestFindNothing says where it looked.
func TestFindNothing(t *testing.T) {
	s := newShop(t)
	s.publish()
	beside := filepath.Join(t.TempDir(), "beside.raw")
	flowtest.Must(t, os.WriteFile(beside, []byte("disk"), 0o600))
	flowtest.Must(t, os.Mkdir(beside+results.BundlesSuffix, 0o700))
	for name, tt := range map[string]struct{ named, says string }{
		"a name of nothing":         {"dist/web.qcow2", "which is no file or layout here, in a registry"},
		"no such layout":            {s.image() + "2", "looking for " + s.image() + "2:"},
		"no such digest":            {s.image() + "@" + digests.Of(nil), "looking for"},
		"bundles in a folder":       {beside, "opening bundles"},
		"a reference that is wrong": {"UPPER/case", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := s.r.Find(t.Context(), tt.named); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("found %+v, %v", got, err)
			}
		})
	}
}

// TestBundlesBesideAreBounded: what is beside a disk is read up to a bound, and
// what is no bundle names no digest.
func TestBundlesBesideAreBounded(t *testing.T) {
	s := newShop(t)
	path := s.other()
	flowtest.Must(t, os.WriteFile(path+results.BundlesSuffix, []byte("no bundle\n\n  \n"), 0o600))
	if got, err := s.r.Find(t.Context(), path); err == nil {
		t.Errorf("found %+v", got)
	}
	f, err := os.Create(path + results.BundlesSuffix)
	flowtest.Must(t, err)
	flowtest.Must(t, f.Truncate(maxBundles+1))
	flowtest.Must(t, f.Close())
	if _, err := s.r.Find(t.Context(), path); fault.KindOf(err) != fault.Invalid {
		t.Errorf("more than the bound: %v", err)
	}
	flowtest.Must(t, os.WriteFile(path+results.BundlesSuffix, nil, 0o600))
	if got, err := s.r.Find(t.Context(), path); err != nil || got.Digest != "" || len(got.Bundles) > 0 {
		t.Errorf("an empty one: %+v, %v", got, err)
	}
}

// TestKindByAWord: an image is no disk for a word among its annotations.
func TestKindByAWord(t *testing.T) {
	for text, want := range map[string]string{
		`{"artifactType":"` + publish.DiskArtifact + `"}`:         artifact.Disk,
		`{"annotations":{"x":"` + publish.DiskArtifact + `"}}`:    artifact.Container,
		`{"artifactType":"` + publish.DiskArtifact + `-of-mine"}`: artifact.Container,
	} {
		if got := (Target{Manifest: registry.Manifest{Content: []byte(text)}}).kind(); got != want {
			t.Errorf("%s is a %s", text, got)
		}
	}
}
