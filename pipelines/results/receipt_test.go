package results

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/artifact"
)

func disk(t *testing.T, dir, name string) artifact.Artifact {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("disk"), 0o600); err != nil {
		t.Fatal(err)
	}
	return artifact.Artifact{Kind: artifact.Disk, Format: filepath.Ext(name)[1:], Path: path, Size: 4}
}

// TestReceiptKeepsTheOtherKind builds a container after a disk of the same key.
func TestReceiptKeepsTheOtherKind(t *testing.T) {
	made := disk(t, t.TempDir(), "web.qcow2")
	image := artifact.Artifact{Kind: artifact.Container, Format: "archive", Path: made.Path, Size: 4}
	old := Receipt{
		Made: time.Now().Add(time.Minute), Artifacts: []artifact.Artifact{made, image},
		Tests: map[string]Tested{artifact.Disk: {BootSeconds: 3}, artifact.Container: {MemoryBytes: 1}},
	}
	image.Digest = "new"
	r := Receipt{Made: old.Made, Artifacts: []artifact.Artifact{image}, Tests: map[string]Tested{}, TestsSkipped: true}.With(old)
	both := []string{artifact.Container, artifact.Disk}
	if len(r.Artifacts) != 2 || r.Artifacts[0] != image || r.Artifacts[1] != made || r.Tests[artifact.Disk].BootSeconds != 3 || !r.TestsSkipped {
		t.Errorf("the receipt says %+v", r)
	}
	for _, tt := range []struct {
		kinds    []string
		untested bool
		serves   bool
	}{
		{both[1:], false, true},
		{both[:1], false, false}, // not tested
		{both[:1], true, true},
		{both, false, false},
		{both, true, true},
	} {
		if got := r.Serves(tt.kinds, tt.untested); got != tt.serves {
			t.Errorf("%+v is served: %v", tt, got)
		}
	}
	if (Receipt{}).Serves(both, false) || r.Of(both[:1]).Serves(both, true) {
		t.Error("a receipt serves what it does not hold")
	}
	if err := os.WriteFile(made.Path, []byte("other disk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := (Receipt{Artifacts: []artifact.Artifact{image}, Tests: map[string]Tested{}}).With(old); len(r.Artifacts) != 1 {
		t.Errorf("the receipt keeps a disk that is another by now: %+v", r)
	}
}

// TestReceiptGoesWithItsFolder: a receipt speaks of what stands beside it, not
// of where that stood when it was made.
func TestReceiptGoesWithItsFolder(t *testing.T) {
	old, f := t.TempDir(), Folder{Path: t.TempDir()}
	made := disk(t, old, "web.qcow2")
	image := artifact.Artifact{Kind: artifact.Container, Format: "layout", Path: filepath.Join(old, "web.oci"), Digest: "sha256:1"}
	image.Ref = image.Path + "@" + image.Digest
	if err := f.WriteReceipt(&Receipt{App: "web", Made: time.Now().Add(time.Minute), Artifacts: []artifact.Artifact{image, made}}); err != nil {
		t.Fatal(err)
	}
	asked := []string{artifact.Disk}
	r, _ := f.Receipt("web")
	if r.Serves(asked, true) {
		t.Error("a disk in another folder counts")
	}
	moved := disk(t, f.Path, "web.qcow2")
	if r, _ = f.Receipt("web"); !r.Serves(asked, true) || r.Artifacts[1] != moved {
		t.Errorf("the receipt says %+v", r)
	}
	if want := filepath.Join(f.Path, "web.oci"); r.Artifacts[0].Path != want || r.Artifacts[0].Ref != want+"@sha256:1" {
		t.Errorf("the receipt says %+v", r.Artifacts[0])
	}
}
