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

// memoryPeak reads the largest memory that the process's cgroup ever used, in
// bytes: memory.peak of v2 (Linux 5.19), or max_usage_in_bytes of v1.
func memoryPeak(pid int) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return 0, fmt.Errorf("finding the cgroup: %w", err)
	}
	for _, file := range peakFiles(string(data)) {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	}
	return 0, fmt.Errorf("finding the cgroup: process %d has no memory cgroup", pid)
}

// peakFiles reads lines such as "4:memory:/name" (v1) and "0::/name" (v2).
func peakFiles(table string) []string {
	var files []string
	for line := range strings.Lines(table) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 || parts[2] == "/" || strings.Contains(parts[2], "..") {
			continue
		}
		switch {
		case parts[1] == "memory":
			files = append(files, filepath.Join(cgroupRoot, "memory", parts[2], "memory.max_usage_in_bytes"))
		case parts[0] == "0":
			files = append(files, filepath.Join(cgroupRoot, parts[2], "memory.peak"))
		}
	}
	return files
}
