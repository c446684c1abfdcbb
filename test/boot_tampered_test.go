package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/runners/machine"
	"github.com/bakelite/bakelite/test/harness"
)

// TestFlippedByteStopsTheBoot flips one bit in the root and in the /usr
// partition. It is one of the date in the squashfs superblock (offset 8 of
// the format), by which nothing but dm-verity could tell.
func TestFlippedByteStopsTheBoot(t *testing.T) {
	s := harness.FirstBake(t)
	raw := s.Outcome.Result(t).Artifact(t, "raw")
	loaded, err := app.Load(s.App())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"root", "usr"} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp(harness.Here.Dir, "tampered-")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			disk := filepath.Join(dir, "disk.raw")
			harness.Tool(t, "cp", "--sparse=always", s.Path(raw), disk)
			flip(t, disk, harness.Partitions(t, disk)[name].Start*harness.Sector)
			results, _, err := machine.Test(t.Context(), machine.Options{Disk: disk, App: app.WithDefaults(*loaded), State: dir})
			if err != nil {
				t.Fatal(err)
			}
			if boot := results[0]; boot.Passed || !strings.Contains(boot.Detail, "does not match its hash") {
				t.Errorf("the boot gave %+v", boot)
			}
			for _, r := range results[1:] {
				if r.Passed {
					t.Errorf("%s passed on a disk that was tampered with", r.Name)
				}
			}
			console := harness.Read(t, filepath.Join(dir, "console.log"))
			if !strings.Contains(console, "corrupted") || !strings.Contains(console, "Kernel panic") {
				t.Errorf("the console shows neither corruption nor panic:\n%s", harness.Last(console, 4<<10))
			}
		})
	}
}

func flip(t *testing.T, disk string, superblock int64) {
	t.Helper()
	f, err := os.OpenFile(disk, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	start := make([]byte, 12)
	if _, err := f.ReadAt(start, superblock); err != nil || string(start[:4]) != "hsqs" {
		t.Fatalf("no squashfs at %d: %q, %v", superblock, start, err)
	}
	if _, err := f.WriteAt([]byte{start[8] ^ 1}, superblock+8); err != nil {
		t.Fatal(err)
	}
}
