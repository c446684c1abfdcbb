package results

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
)

// published is a record with a publication in it.
func published(t *testing.T) (f Folder, text string) {
	t.Helper()
	f = Folder{Path: t.TempDir(), Vouch: vouchtest.Key(t)}
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	must(t, f.WritePublications("web", []Publication{{Kind: "container", Ref: "registry.example/web@sha256:1", Verdict: "reported", Tags: []string{"latest"}, At: at, Key: "key"}}))
	written, err := os.ReadFile(f.PublicationPath("web"))
	must(t, err)
	return f, string(written)
}

// TestEditedPublications: of a record only what this state folder wrote for
// this app counts. Anything else is as if nothing had been published, so that
// it is judged, signed and published anew.
func TestEditedPublications(t *testing.T) {
	changed := func(old, new string) func(string) string {
		return func(text string) string { return strings.Replace(text, old, new, 1) }
	}
	same := func(text string) string { return text }
	for name, tt := range map[string]struct {
		change func(text string) string
		// ours says that this state folder vouches for what was changed.
		ours, counts bool
	}{
		"as it was":                     {same, false, true},
		"a verdict edited":              {changed(`"reported"`, `"passed"`), false, false},
		"ours, with a verdict":          {changed(`"reported"`, `"passed"`), true, true},
		"nothing in it":                 {func(string) string { return "" }, false, false},
		"ours, and cut off":             {func(text string) string { return text[:len(text)/2] }, true, false},
		"ours, of a later version":      {changed("bakelite.dev/v1", "bakelite.dev/v2"), true, false},
		"ours, with more than is known": {changed(`"kind": "container"`, `"kind": "container", "waived": true`), true, false},
		"ours, of another app":          {changed(`"app": "web"`, `"app": "shop"`), true, false},
		"ours, and too large":           {func(text string) string { return text + strings.Repeat(" ", maxPublications) }, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			f, text := published(t)
			path := f.PublicationPath("web")
			if tt.ours {
				must(t, f.Vouch.WriteFile(vouch.Publication, path, []byte(tt.change(text)), 0o600))
			} else {
				must(t, os.WriteFile(path, []byte(tt.change(text)), 0o600))
			}
			if got := f.LastPublished("web"); (len(got) == 1 && got[0].Key == "key") != tt.counts || len(got) > 0 != tt.counts {
				t.Errorf("published is %+v", got)
			}
		})
	}
}

// TestPublicationsOfOthers: a record that was copied from another app, or from
// another state folder, counts for nothing.
func TestPublicationsOfOthers(t *testing.T) {
	f, text := published(t)
	must(t, os.WriteFile(f.PublicationPath("shop"), []byte(strings.Replace(text, `"web"`, `"shop"`, 1)), 0o600))
	if got := f.LastPublished("shop"); got != nil {
		t.Errorf("a copy counts: %+v", got)
	}
	if got := f.LastPublished("none"); got != nil {
		t.Errorf("none is %+v", got)
	}
	for _, key := range []vouch.Key{vouchtest.Key(t), {}} {
		if got := (Folder{Path: f.Path, Vouch: key}).LastPublished("web"); got != nil {
			t.Errorf("what another state folder wrote counts: %+v", got)
		}
	}
}

// TestPublisherKilledWhileWriting: what fails before its file is there leaves
// the record of before, and that still counts.
func TestPublisherKilledWhileWriting(t *testing.T) {
	f, text := published(t)
	path := f.PublicationPath("web")
	must(t, os.Rename(path, path+".kept"))
	must(t, os.MkdirAll(filepath.Join(path, "below"), 0o700)) // no file can take its name
	if err := f.WritePublications("web", []Publication{{Key: "newer"}}); err == nil {
		t.Fatal("it was written")
	}
	must(t, os.RemoveAll(path))
	must(t, os.Rename(path+".kept", path))
	if got := f.LastPublished("web"); len(got) != 1 || got[0].Key != "key" {
		t.Errorf("published is %+v", got)
	}
	left, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(left, []byte(text)) {
		t.Errorf("%s, %v", left, err)
	}
}
