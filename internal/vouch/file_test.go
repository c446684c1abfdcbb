package vouch_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/bakelite/bakelite/internal/vouch"
)

const most = 1 << 20

// TestForgedFile: of what stands at a file's path only what was written there
// last counts, for its purpose.
func TestForgedFile(t *testing.T) {
	k, dir := open(t, t.TempDir()), t.TempDir()
	path := filepath.Join(dir, "a")
	must(t, k.WriteFile(vouch.Clock, path, []byte("old"), 0o644))
	must(t, k.WriteFile(vouch.Clock, path, []byte("ours"), 0o640))
	must(t, k.WriteFile(vouch.Clock, filepath.Join(dir, "b"), []byte("of another name"), 0o644))
	must(t, k.WriteFile(vouch.Memory, path, []byte("ours"), 0o640))
	must(t, k.WriteFile(vouch.Memory, path, []byte("of another purpose"), 0o640))
	for text, genuine := range map[string]bool{"ours": true, "old": false, "theirs": false, "": false, "of another name": false, "of another purpose": false} {
		must(t, os.WriteFile(path, []byte(text), 0o600))
		got, err := k.ReadFile(vouch.Clock, path, most)
		if genuine && (err != nil || string(got) != text) || !genuine && !errors.Is(err, vouch.ErrForeign) {
			t.Errorf("%q is read as %q (%v)", text, got, err)
		}
	}
	var none vouch.Key
	must(t, none.WriteFile(vouch.Clock, path, []byte("ours"), 0o600))
	if _, err := none.ReadFile(vouch.Clock, path, most); !errors.Is(err, vouch.ErrForeign) {
		t.Errorf("no key vouches: %v", err)
	}
	must(t, os.Remove(path))
	if _, err := k.ReadFile(vouch.Clock, path, most); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
}

// TestFileOfAKilledWriter: killed between a note and its file, again and again,
// a writer leaves what was there before.
func TestFileOfAKilledWriter(t *testing.T) {
	k, dir := open(t, t.TempDir()), t.TempDir()
	path := filepath.Join(dir, "a")
	must(t, k.WriteFile(vouch.Clock, path, []byte("before"), 0o600))
	must(t, os.Rename(path, path+"2"))
	must(t, os.Mkdir(path, 0o700)) // no file can be renamed to it
	must(t, os.WriteFile(filepath.Join(path, "x"), nil, 0o600))
	for i := range 5 {
		if err := k.WriteFile(vouch.Clock, path, fmt.Append(nil, i), 0o600); err == nil {
			t.Fatal("it was written")
		}
	}
	must(t, os.RemoveAll(path))
	for _, there := range []string{"before", "4"} {
		must(t, os.WriteFile(path, []byte(there), 0o600))
		if got, err := k.ReadFile(vouch.Clock, path, most); err != nil || string(got) != there {
			t.Errorf("%q is read as %q (%v)", there, got, err)
		}
	}
}

// TestWritersAtOnce: whoever writes last, the note is of the file that is there.
func TestWritersAtOnce(t *testing.T) {
	k, path := open(t, t.TempDir()), filepath.Join(t.TempDir(), "a")
	must(t, k.WriteFile(vouch.Clock, path, []byte("0"), 0o600))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 8 {
				if err := k.WriteFile(vouch.Clock, path, fmt.Append(nil, i), 0o600); err != nil {
					t.Error(err)
				}
				if _, err := k.ReadFile(vouch.Clock, path, most); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
