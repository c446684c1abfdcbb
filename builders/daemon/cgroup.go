package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// cgroupRoot is where the machine's cgroup hierarchies are mounted (cgroups(7)).
const cgroupRoot = "/sys/fs/cgroup"

// cgroupParent names the cgroup that holds the steps of one engine folder.
func cgroupParent(state string) string {
	sum := sha256.Sum256([]byte(state))
	return "bakelite-" + hex.EncodeToString(sum[:6])
}

// removeCgroups removes the cgroups of steps that ended with an earlier
// daemon of this folder. A cgroup with a process in it stays, as the kernel
// refuses its removal.
func removeCgroups(root, parent string) {
	// One hierarchy for all controllers, or one folder per controller.
	found, _ := filepath.Glob(filepath.Join(root, "*", parent))
	for _, dir := range append(found, filepath.Join(root, parent)) {
		removeEmptyTree(dir)
	}
}

func removeEmptyTree(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.IsDir() {
			removeEmptyTree(filepath.Join(dir, e.Name()))
		}
	}
	// The files of a cgroup are the kernel's and go with the folder.
	_ = unix.Rmdir(dir)
}
