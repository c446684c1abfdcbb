package fault

import (
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk has a download that found no room: what failed is the disk,
// not the network.
func TestFullDisk(t *testing.T) {
	write := &fs.PathError{Op: "write", Path: "/state/archive/file", Err: syscall.ENOSPC}
	err := Hint(New(Network, "downloading: %w", write), "check the network")
	if KindOf(err) != Build || ExitCode(err) != 5 {
		t.Errorf("kind %d, exit code %d", KindOf(err), ExitCode(err))
	}
	if hint := HintOf(fmt.Errorf("web: %w", err)); !strings.Contains(hint, "/state/archive,") || strings.Contains(hint, "network") {
		t.Errorf("hint %q", hint)
	}
}
