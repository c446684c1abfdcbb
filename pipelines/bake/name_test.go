package bake

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/results"
)

// TestClearRemovesWhatWasReplaced: nothing that the old receipt does not list,
// and nothing outside the output folder or of another app.
func TestClearRemovesWhatWasReplaced(t *testing.T) {
	output := t.TempDir()
	for _, name := range []string{"web.qcow2", "web.raw", "web.raw.sha256", "web.raw.sigstore.jsonl", "web.vmdk", "shop.raw"} {
		write(t, output, name)
	}
	if err := os.MkdirAll(filepath.Join(output, "web.failed", "web.oci"), 0o700); err != nil {
		t.Fatal(err)
	}
	listed := func(name string) artifact.Artifact {
		return artifact.Artifact{Kind: artifact.Disk, Path: filepath.Join("elsewhere", name)}
	}
	w := work{baker: Baker{Folder: results.Folder{Path: output}}, app: app.App{Name: "web"}, made: []artifact.Artifact{listed("web.qcow2")}}
	if err := w.clear(results.Receipt{Artifacts: []artifact.Artifact{listed("web.qcow2"), listed("web.raw"), listed("shop.raw"), listed("..")}}); err != nil {
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

func write(t *testing.T, dir, name string) {
	t.Helper()
	flowtest.Must(t, os.WriteFile(filepath.Join(dir, name), []byte("disk"), 0o600))
}
