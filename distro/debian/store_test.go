package debian

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestRemovedUnderAnotherProcess: one process finds a damaged file while another
// puts the good one in its place. What the first does next takes nothing away.
func TestRemovedUnderAnotherProcess(t *testing.T) {
	s := files{dir: t.TempDir()}
	for _, dir := range []string{"sha256", "tmp"} {
		if err := os.Mkdir(filepath.Join(s.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	good := []byte("the content")
	want := entryOf(good)
	if err := os.WriteFile(s.path(want.sha256), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s.verified(want) {
		t.Error("a damaged file is verified")
	}
	if _, err := os.Stat(s.path(want.sha256)); err != nil {
		t.Errorf("what has the name by then may be the good one: %v", err)
	}
	if err := s.put(bytes.NewReader(good), want); err != nil || !s.verified(want) {
		t.Errorf("it stays damaged (%v)", err)
	}
}
