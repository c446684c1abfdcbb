package pipelines

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/scan/controls"
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
	r := Receipt{Made: old.Made, Artifacts: []artifact.Artifact{image}, Tests: map[string]Tested{}, TestsSkipped: true}.with(old)
	both := []string{artifact.Container, artifact.Disk}
	if len(r.Artifacts) != 2 || r.Artifacts[0] != image || r.Artifacts[1] != made || r.Tests[artifact.Disk].BootSeconds != 3 || !r.TestsSkipped {
		t.Errorf("the receipt says %+v", r)
	}
	for _, tt := range []struct {
		o      BuildOptions
		serves bool
	}{
		{BuildOptions{Targets: []string{artifact.Disk}}, true},
		{BuildOptions{Targets: []string{artifact.Container}}, false}, // not tested
		{BuildOptions{Targets: []string{artifact.Container}, SkipTests: true}, true},
		{BuildOptions{Targets: both}, false},
		{BuildOptions{Targets: both, SkipTests: true}, true},
	} {
		if got := r.serves(tt.o); got != tt.serves {
			t.Errorf("%+v is served: %v", tt.o, got)
		}
	}
	if (Receipt{}).serves(BuildOptions{Targets: both}) || r.of([]string{artifact.Container}).serves(BuildOptions{Targets: both, SkipTests: true}) {
		t.Error("a receipt serves what it does not hold")
	}
	if err := os.WriteFile(made.Path, []byte("other disk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := (Receipt{Artifacts: []artifact.Artifact{image}, Tests: map[string]Tested{}}).with(old); len(r.Artifacts) != 1 {
		t.Errorf("the receipt keeps a disk that is another by now: %+v", r)
	}
}

// TestClearRemovesWhatWasReplaced: nothing that the old receipt does not list,
// and nothing outside the output folder or of another app.
func TestClearRemovesWhatWasReplaced(t *testing.T) {
	output := t.TempDir()
	for _, name := range []string{"web.qcow2", "web.raw", "web.raw.sha256", "web.raw.sigstore.jsonl", "web.vmdk", "shop.raw"} {
		disk(t, output, name)
	}
	if err := os.MkdirAll(filepath.Join(output, "web.failed", "web.oci"), 0o700); err != nil {
		t.Fatal(err)
	}
	listed := func(name string) artifact.Artifact {
		return artifact.Artifact{Kind: artifact.Disk, Path: filepath.Join("elsewhere", name)}
	}
	w := work{kitchen: Kitchen{Output: output}, app: app.App{Name: "web"}, made: []artifact.Artifact{listed("web.qcow2")}}
	if err := w.clear(Receipt{Artifacts: []artifact.Artifact{listed("web.qcow2"), listed("web.raw"), listed("shop.raw"), listed("..")}}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"web.qcow2": true, "web.vmdk": true, "shop.raw": true,
		"web.raw": false, "web.raw.sha256": false, "web.raw.sigstore.jsonl": false, "web.failed": false,
	} {
		if _, err := os.Stat(filepath.Join(output, name)); (err == nil) != want {
			t.Errorf("%s is there: %v", name, err == nil)
		}
	}
}

// TestReceiptGoesWithItsFolder: a receipt speaks of what stands beside it, not
// of where that stood when it was made.
func TestReceiptGoesWithItsFolder(t *testing.T) {
	old, k := t.TempDir(), Kitchen{Output: t.TempDir()}
	made := disk(t, old, "web.qcow2")
	image := artifact.Artifact{Kind: artifact.Container, Format: "layout", Path: filepath.Join(old, "web.oci"), Digest: "sha256:1"}
	image.Ref = image.Path + "@" + image.Digest
	if err := k.writeReceipt(&Receipt{App: "web", Made: time.Now().Add(time.Minute), Artifacts: []artifact.Artifact{image, made}}); err != nil {
		t.Fatal(err)
	}
	asked := BuildOptions{Targets: []string{artifact.Disk}, SkipTests: true}
	r, _ := ReadReceipt(k.Output, "web")
	if r.serves(asked) {
		t.Error("a disk in another folder counts")
	}
	moved := disk(t, k.Output, "web.qcow2")
	if r, _ = ReadReceipt(k.Output, "web"); !r.serves(asked) || r.Artifacts[1] != moved {
		t.Errorf("the receipt says %+v", r)
	}
	if want := filepath.Join(k.Output, "web.oci"); r.Artifacts[0].Path != want || r.Artifacts[0].Ref != want+"@sha256:1" {
		t.Errorf("the receipt says %+v", r.Artifacts[0])
	}
}

// TestKeyHoldsTheRevision: two programs of one version may bake other bytes,
// and so may other programs for the images, and for the work on trees.
func TestKeyHoldsTheRevision(t *testing.T) {
	key := func(revision, service, tree string) string {
		k := Kitchen{
			Version: "1.0", Revision: revision, Controls: none{},
			Service: func() ([]byte, error) { return []byte(service), nil }, TreeProgram: func() ([]byte, error) { return []byte(tree), nil },
		}
		got, err := k.key(app.App{Name: "web"}, &lock.Lock{})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first := key("a", "x", "1")
	if first != key("a", "x", "1") || first == key("b", "x", "1") || first == key("a", "y", "1") || first == key("a", "x", "2") {
		t.Error("the key does not go by the revision and the programs")
	}
}

// TestProgramLayout: the program lies in a folder that its bytes name, is
// written once, and gives the same image wherever that is.
func TestProgramLayout(t *testing.T) {
	program := []byte("one")
	layout := func(state string) (string, string) {
		k := Kitchen{State: state, Platform: "linux/amd64", TreeProgram: func() ([]byte, error) { return program, nil }}
		dir, digest, err := k.programLayout(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return dir, digest
	}
	state := t.TempDir()
	dir, digest := layout(state)
	if again, same := layout(state); again != dir || same != digest {
		t.Errorf("%s %s became %s %s", dir, digest, again, same)
	}
	if _, elsewhere := layout(t.TempDir()); elsewhere != digest {
		t.Errorf("elsewhere it is %s, not %s", elsewhere, digest)
	}
	program = []byte("two")
	if other, changed := layout(state); other == dir || changed == digest {
		t.Error("another program is the same image")
	}
}

// TestSwappedProgramLayout puts another program in the place of the one that
// works on trees, which decides what is refused and hardened.
func TestSwappedProgramLayout(t *testing.T) {
	layout := func(k Kitchen, program string) (string, string) {
		k.Platform, k.TreeProgram = "linux/amd64", func() ([]byte, error) { return []byte(program), nil }
		dir, digest, err := k.programLayout(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return dir, digest
	}
	ours := Kitchen{State: t.TempDir(), Vouch: vouchtest.Key(t)}
	dir, digest := layout(ours, "ours")
	before, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	layout(ours, "ours")
	if after, err := os.Stat(dir); err != nil || !os.SameFile(before, after) {
		t.Errorf("a whole layout was made again: %v", err)
	}
	evil, _ := layout(Kitchen{State: t.TempDir(), Vouch: vouchtest.Key(t)}, "evil")
	if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(evil))); err != nil {
		t.Fatal(err)
	}
	if _, got := layout(ours, "ours"); got != digest {
		t.Errorf("another program is taken for ours: %s, not %s", got, digest)
	}
}

// none are no controls.
type none struct{ Controls }

func (none) UpTo(string, int, ...string) []controls.Control { return nil }
