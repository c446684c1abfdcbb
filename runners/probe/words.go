package probe

import (
	"fmt"
	"strings"

	"github.com/bakelite/bakelite/internal/units"
)

// linesShown is how many of a service's last lines a result shows.
const linesShown = 15

// Forked is what is said of a service that ended well, and should not have.
const Forked = "a service must stay in the foreground; most that go into the background have an option against it"

// OutOfMemory names a limit of memory that the kernel kept by killing.
func OutOfMemory(limit units.Size) string {
	if limit == 0 {
		return "the kernel killed it, for the machine has no more memory: vm.memory is what tests give it"
	}
	return fmt.Sprintf("the kernel killed it for want of memory: service.resources.memory is %v", limit)
}

// Explained adds to the first result that did not pass, where one did not, the
// service's last words and what can have caused them.
func Explained(results []Result, log []byte, causes []string) []Result {
	for i, r := range results {
		if r.Passed {
			continue
		}
		if words := LastLines(log, linesShown); words != "" {
			results[i].Detail += "; the service's last words:\n" + words
		}
		for _, cause := range causes {
			results[i].Detail += "\nperhaps: " + cause
		}
		break
	}
	return results
}

// LastLines returns the end of a text without terminal control, so that what
// wrote it cannot write to the user's terminal.
func LastLines(text []byte, n int) string {
	lines := PlainLines(text)
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// PlainLines are the lines of a text without terminal control.
func PlainLines(text []byte) []string {
	clean := strings.Map(func(r rune) rune {
		if r == '\n' || r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(string(text), ""))
	return strings.Split(strings.TrimSpace(clean), "\n")
}
