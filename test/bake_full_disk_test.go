package test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// smallDisk is the source's name of file systems that tests mount.
const smallDisk = "bakelite-e2e-small"

// mountSmall mounts a file system in memory until the test's end.
func mountSmall(t *testing.T, dir, size string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(smallDisk, dir, "tmpfs", 0, "mode=0755,size="+size); err != nil {
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
	if err := unix.Mount(smallDisk, dir, "tmpfs", unix.MS_REMOUNT, "size="+size); err != nil {
		t.Fatal(err)
	}
}

// TestFullOutput bakes into a folder that has no room for an image, then for
// no disk, then for both.
func TestFullOutput(t *testing.T) {
	first, s := firstBake(t), newSite(t)
	s.out = filepath.Join(here.dir, "full-output")
	mountSmall(t, s.out, "8M")
	for _, size := range []string{"8M", "96M"} {
		resize(t, s.out, size)
		s.run("build", "--json", "--skip-tests", "web").want(t, 5, "no space left on device", s.out, "next:")
		s.names()
	}
	resize(t, s.out, "4G")
	r, want := s.run("build", "--json", "--skip-tests", "web").result(t), first.outcome.result(t)
	if r.digest(t, "raw") != want.digest(t, "raw") || r.digest(t, "layout") != want.digest(t, "layout") {
		t.Errorf("after making room: %+v", r)
	}
}

// TestFullState bakes with a state folder that has no room for the seed, then
// for no system, then for all.
func TestFullState(t *testing.T) {
	first, s := firstBake(t), newSite(t)
	s.state = filepath.Join(here.dir, "full-state")
	mountSmall(t, s.state, "16M")
	t.Cleanup(func() { s.run("engine", "stop").want(t, 0) })
	build := []string{"build", "--json", "--skip-tests", "--target", "container", "web"}
	for _, size := range []string{"16M", "160M"} {
		resize(t, s.state, size)
		s.run(build...).want(t, 5, "no space left on device", "next:")
		s.names()
		leavesNothingBut(t, s.state)
	}
	resize(t, s.state, "2G")
	if r := s.run(build...).result(t); r.digest(t, "layout") != first.outcome.result(t).digest(t, "layout") {
		t.Errorf("after making room: %+v", r)
	}
}
