package bake

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/runners/probe"
)

// TestHandOver publishes what another machine built: each byte is compared
// with the receipt whose digest it told, and nothing else is believed.
func TestHandOver(t *testing.T) {
	both := []string{artifact.Container, artifact.Disk}
	for name, tt := range map[string]struct {
		harm func(dir string) error
		key  string
		o    Options
		kind fault.Kind
	}{
		"what was built": {},
		"its disk alone": {o: Options{Targets: both[1:]}},
		"another disk of the same size": {kind: fault.Integrity, harm: func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "web.raw"), []byte("kids"), 0o600)
		}},
		"a longer disk": {kind: fault.Integrity, harm: func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "web.raw"), []byte("disk."), 0o600)
		}},
		"a link to the disk": {kind: fault.Integrity, harm: func(dir string) error {
			file := filepath.Join(dir, "web.raw")
			if err := os.Rename(file, file+"2"); err != nil {
				return err
			}
			return os.Symlink("web.raw2", file)
		}},
		"another layer of the same size": {kind: fault.Integrity, harm: func(dir string) error {
			blobs, _ := filepath.Glob(filepath.Join(dir, "web.oci/blobs/sha256/*"))
			for _, b := range blobs {
				if text, err := os.ReadFile(b); err != nil || text[0] != '{' { // neither manifest nor config
					text[len(text)-1] ^= 1
					return errors.Join(err, os.WriteFile(b, text, 0o600))
				}
			}
			return errors.New("no layer")
		}},
		"another manifest below the same name": {kind: fault.Integrity, harm: func(dir string) error {
			digest, err := oci.Only(filepath.Join(dir, "web.oci"))
			if err != nil {
				return err
			}
			file := filepath.Join(dir, "web.oci/blobs/sha256", strings.TrimPrefix(digest, "sha256:"))
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			return os.WriteFile(file, append(text, ' '), 0o600)
		}},
		"another receipt": {kind: fault.Integrity, harm: func(dir string) error {
			path := results.Folder{Path: dir}.ReceiptPath("web")
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, []byte(strings.Replace(string(text), `"passed": false`, `"passed": true`, 1)), 0o600)
		}},
		"no receipt":             {kind: fault.Missing, harm: func(dir string) error { return os.Remove(results.Folder{Path: dir}.ReceiptPath("web")) }},
		"another app or lock":    {kind: fault.Invalid, key: "sha256:2"},
		"both, of one":           {kind: fault.Invalid, o: Options{Targets: both, Receipt: "one"}},
		"tested, where none was": {kind: fault.Invalid, o: Options{Targets: both, Receipt: "skipped"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, digest := handed(t, tt.o.Receipt)
			if tt.harm != nil {
				if err := tt.harm(b.Folder.Path); err != nil {
					t.Fatal(err)
				}
			}
			if len(tt.o.Targets) == 0 {
				tt.o.Targets = both
			}
			if tt.key == "" {
				tt.key = "sha256:1"
			}
			tt.o.Receipt = digest
			built, err := b.handedOver(t.Context(), &lock.Lock{App: "web"}, tt.key, tt.o)
			if tt.kind == 0 {
				if err != nil || built.Rebuilt || built.Lock == nil || built.Digest() != digest || len(built.Artifacts) != len(tt.o.Targets) {
					t.Errorf("%+v, %v", built, err)
				}
				return
			}
			if err == nil || fault.KindOf(err) != tt.kind {
				t.Errorf("%v", err)
			}
		})
	}
}

// handed puts a build's results into a folder: all, or those of "one" kind, or
// all with tests "skipped". They are younger than the receipt, as what was
// carried is.
func handed(t *testing.T, what string) (Baker, string) {
	t.Helper()
	b := Baker{Folder: results.Folder{Path: t.TempDir()}}
	dir := filepath.Join(b.Folder.Path, "web.oci")
	digest, err := oci.WriteImage(dir, "linux/amd64", io.NopCloser(strings.NewReader("layer")))
	if err != nil {
		t.Fatal(err)
	}
	file := flowtest.Disk(t, b.Folder.Path, "raw", "disk")
	r := results.Receipt{App: "web", Key: "sha256:1", Made: time.Now().Add(-time.Hour), Tests: map[string]results.Tested{}, Artifacts: []artifact.Artifact{
		{Kind: artifact.Container, Format: "layout", Path: dir, Digest: digest}, file,
	}}
	for _, kind := range []string{artifact.Container, artifact.Disk} {
		r.Tests[kind] = results.Tested{Results: []probe.Result{{Name: "answers"}}}
	}
	switch what {
	case "one":
		r = r.Of([]string{artifact.Disk})
	case "skipped":
		r.Tests, r.TestsSkipped = nil, true
	}
	if err := b.Folder.WriteReceipt(&r); err != nil {
		t.Fatal(err)
	}
	return b, r.Digest()
}
