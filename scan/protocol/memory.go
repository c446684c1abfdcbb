package protocol

import (
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
)

// OutOfMemory says whether the last words of a scan are those of a lack of
// memory: Go's runtime's, the kernel's, or SQLite's C library's.
func OutOfMemory(words string) bool {
	return slices.ContainsFunc([]string{"out of memory", "cannot allocate memory", "TODO OOM"}, func(text string) bool {
		return strings.Contains(words, text)
	})
}

// MemoryError is the error of such a scan.
func MemoryError() error {
	err := fault.New(fault.Internal, "the scanner needed more memory than it may have")
	return fault.Hint(err, "give it more memory, or look at what it scans: content made to eat memory is a reason")
}
