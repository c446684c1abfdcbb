package pipelines

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
	k := newPast(t).kitchen()
	k.Output, k.Vouch = t.TempDir(), vouchtest.Key(t)
	path := receiptPath(k.Output, "web")
	if err := k.writeReceipt(&Receipt{App: "web", Key: "key", Bakelite: "1.0"}); err != nil {
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
		"as it was":          {string(written), k.Vouch, true},
		"edited":             {edited, k.Vouch, false},
		"no receipt":         {"{}", k.Vouch, false},
		"from elsewhere":     {string(written), vouchtest.Key(t), false},
		"with no key at all": {string(written), vouch.Key{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			k := k
			k.Vouch = tt.key
			if got, err := k.lastBuild(t.Context(), "web"); (got.Key == "key") != tt.counts || err != nil {
				t.Errorf("it counts: %v (%v)", got.Key == "key", err)
			}
		})
	}
}
