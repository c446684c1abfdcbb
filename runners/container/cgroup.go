package container

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

const cgroupRoot = "/sys/fs/cgroup"

// limitSwap drops the limit of memory and swap together on kernels that do
// not count swap (cgroup v1 without memsw): runc would refuse it.
func limitSwap(r *specs.LinuxResources) {
	if r == nil || r.Memory == nil {
		return
	}
	if !exists(filepath.Join(cgroupRoot, "memory", "memory.memsw.limit_in_bytes")) &&
		!exists(filepath.Join(cgroupRoot, "cgroup.controllers")) {
		r.Memory.Swap = nil
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// service is the container's own cgroup below the one that is named by its ID:
// runc removes it at the end, and what it used is still known above it.
const service = "service"

// memoryPeak reads the largest memory that a container ever used, in bytes:
// memory.peak of cgroups v2 (Linux 5.19), or max_usage_in_bytes of v1.
func memoryPeak(id string) (int64, error) {
	for _, file := range []string{
		filepath.Join(cgroupRoot, "memory", id, "memory.max_usage_in_bytes"),
		filepath.Join(cgroupRoot, id, "memory.peak"),
	} {
		if text, err := os.ReadFile(file); err == nil {
			return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		}
	}
	return 0, fmt.Errorf("reading the memory of %s: there is no cgroup of it that counts", id)
}

// removeCgroups removes what runc leaves of a container's cgroups.
func removeCgroups(id string) {
	for _, pattern := range []string{filepath.Join(cgroupRoot, id), filepath.Join(cgroupRoot, "*", id)} {
		found, _ := filepath.Glob(pattern)
		for _, dir := range found {
			_ = os.Remove(dir)
		}
	}
}
