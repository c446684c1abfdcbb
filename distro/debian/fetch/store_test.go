package fetch

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/bakelite/bakelite/distro/debian/content"
)

// TestRemovedUnderAnotherProcess: one process finds a damaged file while another
// puts the good one in its place. What the first does next takes nothing away.
func TestRemovedUnderAnotherProcess(t *testing.T) {
	s := Store{Dir: t.TempDir()}
	for _, dir := range []string{"sha256", "tmp"} {
		if err := os.Mkdir(filepath.Join(s.Dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	good := []byte("the content")
	want := content.Of(good)
	if err := os.WriteFile(s.Path(want.SHA256), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s.Verified(want) {
		t.Error("a damaged file is verified")
	}
	if _, err := os.Stat(s.Path(want.SHA256)); err != nil {
		t.Errorf("what has the name by then may be the good one: %v", err)
	}
	if err := s.Put(bytes.NewReader(good), want); err != nil || !s.Verified(want) {
		t.Errorf("it stays damaged (%v)", err)
	}
}
