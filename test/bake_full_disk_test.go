package test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/test/harness"
)

// mountSmall mounts a file system in memory until the test's end.
func mountSmall(t *testing.T, dir, size string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(harness.SmallDisk, dir, "tmpfs", 0, "mode=0755,size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
}

func resize(t *testing.T, dir, size string) {
	t.Helper()
	if err := unix.Mount(harness.SmallDisk, dir, "tmpfs", unix.MS_REMOUNT, "size="+size); err != nil {
		t.Fatal(err)
	}
}

// TestFullOutput bakes into a folder that has no room for an image, then for
// no disk, then for both.
func TestFullOutput(t *testing.T) {
	first, s := harness.FirstBake(t), harness.NewSite(t)
	s.Out = filepath.Join(harness.Here.Dir, "full-output")
	mountSmall(t, s.Out, "8M")
	for _, size := range []string{"8M", "96M"} {
		resize(t, s.Out, size)
		s.Run("build", "--json", "--skip-tests", "web").Want(t, 5, "no space left on device", s.Out, "next:")
		s.Names()
	}
	resize(t, s.Out, "4G")
	r, want := s.Run("build", "--json", "--skip-tests", "web").Result(t), first.Outcome.Result(t)
	if r.Digest(t, "raw") != want.Digest(t, "raw") || r.Digest(t, "layout") != want.Digest(t, "layout") {
		t.Errorf("after making room: %+v", r)
	}
}

// TestFullState bakes with a state folder that has no room for the seed, then
// for no system, then for all.
func TestFullState(t *testing.T) {
	first, s := harness.FirstBake(t), harness.NewSite(t)
	s.State = filepath.Join(harness.Here.Dir, "full-state")
	mountSmall(t, s.State, "16M")
	t.Cleanup(func() { s.Run("engine", "stop").Want(t, 0) })
	build := []string{"build", "--json", "--skip-tests", "--target", "container", "web"}
	for _, size := range []string{"16M", "160M"} {
		resize(t, s.State, size)
		s.Run(build...).Want(t, 5, "no space left on device", "next:")
		s.Names()
		harness.LeavesNothingBut(t, s.State)
	}
	resize(t, s.State, "2G")
	if r := s.Run(build...).Result(t); r.Digest(t, "layout") != first.Outcome.Result(t).Digest(t, "layout") {
		t.Errorf("after making room: %+v", r)
	}
}
