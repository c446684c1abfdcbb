package vm

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/regular"
)

const (
	// maxModules bounds the list of a kernel's modules, in bytes: Debian's
	// largest kernel has 4,000, of 65 each.
	maxModules = 1 << 20
	// maxUntouched bounds all lists together, in entries.
	maxUntouched = 8192
)

var sha256Line = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Untouched returns the SHA-256 of the kernel modules in all parts that are
// kept in a folder of Order.Parts, as locked packages brought them, before
// anything of an app was there. Where there are none it is empty.
func Untouched(parts string) []string {
	lists, _ := filepath.Glob(filepath.Join(parts, "kernel-*", "modules")) // the pattern is well formed
	var all []string
	for _, list := range lists {
		text, err := regular.ReadFile(list, maxModules)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); sha256Line.MatchString(line) {
				all = append(all, line)
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), maxUntouched)]
}
