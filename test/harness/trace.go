package harness

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Processes lists the processes that have to do with a folder: it is in their
// command line, it is or holds their working folder, or it is the source of a
// mount that they see. The last finds what runs in containers.
func Processes(dir string) []string {
	var found []string
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for _, entry := range entries {
		pid, err := strconv.Atoi(filepath.Base(entry))
		if err != nil || pid == os.Getpid() {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(entry, "cmdline"))
		cwd, _ := os.Readlink(filepath.Join(entry, "cwd"))
		if len(line) == 0 { // a kernel thread, or one that has ended
			continue
		}
		if bytes.Contains(line, []byte(dir)) || strings.HasPrefix(cwd, dir) || len(mountsIn(filepath.Join(entry, "mountinfo"), dir)) > 0 {
			found = append(found, fmt.Sprintf("%d %s", pid, bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return found
}

// mounts lists this machine's mounts that have to do with a folder.
func mounts(dir string) []string { return mountsIn("/proc/self/mountinfo", dir) }

// mountsIn reads a table of proc_pid_mountinfo(5). Other engines keep a view
// of a small disk that was mounted when they started: that is not ours to end.
func mountsIn(table, dir string) []string {
	text, _ := os.ReadFile(table)
	var found []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, dir) && (table == "/proc/self/mountinfo" || !strings.Contains(line, SmallDisk)) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// Engines lists the daemons on a state folder.
func Engines(state string) []string {
	var found []string
	for _, p := range Processes(filepath.Join(state, "engine")) {
		if strings.Contains(p, "engine serve") && !strings.Contains(p, "engine confine") {
			found = append(found, p)
		}
	}
	return found
}

// LeavesNothing fails the test where anything but engines is left running or
// mounted.
func LeavesNothing(t *testing.T) {
	t.Helper()
	LeavesNothingBut(t, "")
}

// LeavesNothingBut lets one mount of the test's own pass.
func LeavesNothingBut(t *testing.T, mount string) {
	t.Helper()
	left := Settled(func() []string {
		all := slices.DeleteFunc(mounts(Here.Dir), func(m string) bool {
			return mount != "" && strings.Contains(m, " "+mount+" ")
		})
		for _, p := range Processes(Here.Dir) {
			if !strings.Contains(p, "engine serve") {
				all = append(all, p)
			}
		}
		return all
	})
	if len(left) > 0 {
		t.Errorf("left behind:\n  %s", strings.Join(left, "\n  "))
	}
}

// SmallDisk is the source's name of file systems that tests mount.
const SmallDisk = "bakelite-e2e-small"
