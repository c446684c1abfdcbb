package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWalkIsBounded: an app's files are bounded by number, bytes and depth.
func TestWalkIsBounded(t *testing.T) {
	dir := t.TempDir()
	large, err := os.Create(filepath.Join(dir, "large"))
	if err != nil {
		t.Fatal(err)
	}
	defer large.Close()
	if err := large.Truncate(maxOwnBytes + 1); err != nil { // a hole, no blocks
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "deep", strings.Repeat("d/", maxDepth+1)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "edge", strings.Repeat("d/", maxDepth)), 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, tt := range []struct {
		path, want string
		count      int
	}{
		{"large", "larger than 4 GiB together", 0},
		{"deep", "more than 64 folders deep", 0},
		{"edge", "", 0},
		{"edge", "more than 100000 files", maxOwnFiles},
		{"edge", "", maxOwnFiles - maxDepth},
		{"edge", "more than 100000 files", maxOwnFiles - maxDepth + 1},
	} {
		w := &walker{root: root, count: tt.count}
		err := w.walk(tt.path)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s after %d gave %v, not %q", tt.path, tt.count, err, tt.want)
		}
	}
}
