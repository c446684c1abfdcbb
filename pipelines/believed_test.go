package pipelines

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/vouch"
)

func vouchKey(t *testing.T) vouch.Key {
	t.Helper()
	key, err := vouch.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestEditedReceipt edits a receipt, as one would who swaps what it speaks of,
// or brings one from another state folder: nothing of it counts, and there is
// work. By its digest one from elsewhere counts, and then no other does.
func TestEditedReceipt(t *testing.T) {
	k := newPast(t).kitchen()
	k.Output, k.Vouch = t.TempDir(), vouchKey(t)
	path, elsewhere := receiptPath(k.Output, "web"), vouchKey(t)
	digest, err := k.writeReceipt(Receipt{App: "web", Key: "key", Bakelite: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(written), `"1.0"`, `"1.1"`, 1)
	for name, tt := range map[string]struct {
		text         string
		key          vouch.Key
		receipts     []string
		counts, fine bool
	}{
		"as it was":                     {string(written), k.Vouch, nil, true, true},
		"edited":                        {edited, k.Vouch, nil, false, true},
		"from elsewhere":                {string(written), elsewhere, nil, false, true},
		"with no key at all":            {string(written), vouch.Key{}, nil, false, true},
		"from elsewhere, named":         {string(written), elsewhere, []string{digestOf(nil), digest}, true, true},
		"from elsewhere, another named": {string(written), elsewhere, []string{digestOf(nil)}, false, false},
		"from elsewhere, named, edited": {edited, elsewhere, []string{digest}, false, false},
		"one of ours, another named":    {string(written), k.Vouch, []string{digestOf(nil)}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			k := k
			k.Vouch = tt.key
			got, err := k.lastBuild(t.Context(), "web", tt.receipts)
			if (got.Key == "key") != tt.counts || (err == nil) != tt.fine {
				t.Errorf("it counts: %v (%v)", got.Key == "key", err)
			}
			if err != nil && (fault.KindOf(err) != fault.Integrity || fault.HintOf(err) == "") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestSwappedOutput puts other content of the same size and date in the place
// of what a receipt that was named lists.
func TestSwappedOutput(t *testing.T) {
	p := newPast(t)
	image := artifact.Artifact{Kind: artifact.Container, Format: "layout", Path: p.layout, Digest: p.content.Manifest.Digest.String()}
	made := disk(t, t.TempDir(), "web.raw")
	made.Digest = digestOf([]byte("disk"))
	r := earlier{Receipt{Key: "key", Artifacts: []artifact.Artifact{image, made}, Tests: map[string]Tested{artifact.Container: {}, artifact.Disk: {}}}, "sha256:…", true}
	fits := func(key string, targets ...string) error {
		return r.fits(t.Context(), app.App{Name: "web"}, key, BuildOptions{Targets: targets})
	}
	if err := fits("key", artifact.Container, artifact.Disk); err != nil {
		t.Fatal(err)
	}
	if err := fits("another", artifact.Container); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a receipt of another build fits: %v", err)
	}
	blob := filepath.Join(p.layout, "blobs/sha256", p.content.Blobs[0].Digest.Encoded())
	for path, kind := range map[string]string{blob: artifact.Container, made.Path: artifact.Disk} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, info.Size()), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
			t.Fatal(err)
		}
		if err := fits("key", kind); fault.KindOf(err) != fault.Integrity || fault.HintOf(err) == "" {
			t.Errorf("a swapped %s fits: %v", kind, err)
		}
	}
}
