package compose

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/bakelite/bakelite/builders/engine"
)

// OpenEngine is engine.Open, for the commands: an engine that it starts
// outlives this program, so it may keep nothing open that the caller passed
// down. Packer passes on the pipes of its own output, and whoever reads them
// would wait until the engine ends; make passes on those of its job server.
func OpenEngine(ctx context.Context, o engine.Options) (*engine.Engine, error) {
	if err := keepDescriptors(); err != nil {
		return nil, err
	}
	return engine.Open(ctx, o)
}

// firstOther is the first file descriptor after the standard ones.
const firstOther = 3

// keepDescriptors keeps what this program was started with, other than the
// standard descriptors, from the programs that it starts. What Go opens is
// kept from them already.
func keepDescriptors() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("listing file descriptors: %w", err)
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd >= firstOther {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}
