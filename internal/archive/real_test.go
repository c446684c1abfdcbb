package archive_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/archive"
)

func TestRealArchive(t *testing.T) {
	mirrors := archive.MachineMirrors(os.DirFS("/"))
	t.Log(mirrors)
	dir := os.Getenv("BAKELITE_TEST_CACHE")
	if dir == "" {
		dir = t.TempDir()
	}
	c, err := archive.New(archive.Options{Cache: dir, Mirrors: mirrors, Report: func(err error) { t.Log(err) }})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		start := time.Now()
		s, err := c.Snapshot(context.Background(), "trixie", "amd64")
		if err != nil {
			t.Fatal(err)
		}
		t.Log(s.Len(), s.Archives, time.Since(start))
		t.Log(archive.Essential(s))
		t.Log(s.Nearest("ngnix"), s.Package("nginx").Version, time.Since(start))
	}
}
