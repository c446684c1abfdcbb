package results

import (
	"os"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
)

// TestEditedReceipt edits a receipt, as one would who swaps what it speaks of,
// or brings one from another state folder: nothing of it counts, and there is
// work.
func TestEditedReceipt(t *testing.T) {
	f := Folder{Path: t.TempDir(), Vouch: vouchtest.Key(t)}
	path := f.ReceiptPath("web")
	if err := f.WriteReceipt(&Receipt{App: "web", Key: "key", Bakelite: "1.0"}); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(written), `"1.0"`, `"1.1"`, 1)
	for name, tt := range map[string]struct {
		text   string
		key    vouch.Key
		counts bool
	}{
		"as it was":          {string(written), f.Vouch, true},
		"edited":             {edited, f.Vouch, false},
		"no receipt":         {"{}", f.Vouch, false},
		"from elsewhere":     {string(written), vouchtest.Key(t), false},
		"with no key at all": {string(written), vouch.Key{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			f := f
			f.Vouch = tt.key
			if got, err := f.LastBuild(t.Context(), "web"); (got.Key == "key") != tt.counts || err != nil {
				t.Errorf("it counts: %v (%v)", got.Key == "key", err)
			}
		})
	}
}
