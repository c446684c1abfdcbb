package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
)

// stopTimeout bounds how long a daemon may take to end: its running solves
// get gracePeriod.
const stopTimeout = 15 * time.Second

// Stop ends the own engine of a state folder and waits until its processes
// have ended; it returns false where none runs.
func Stop(ctx context.Context, state string) (bool, error) {
	dir, err := engineFolder(state)
	if err != nil {
		return false, fmt.Errorf("finding state folder: %w", err)
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	stopped := false
	for {
		pid := listenerPID(ctx, dir)
		switch {
		case pid > 0:
			stopped = true
			if err := end(ctx, pid); err != nil {
				return false, err
			}
		case isFree(dir):
			return stopped, nil
		}
		if err := pause(ctx); err != nil {
			return false, err
		}
	}
}

// end asks a daemon to end and waits until it and what confines it are gone.
func end(ctx context.Context, pid int) error {
	leader := confiner(pid)
	if err := unix.Kill(pid, unix.SIGTERM); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("stopping engine: %w", err)
	}
	for _, pid := range []int{pid, leader} {
		for pid > 0 && isAlive(pid) {
			if err := pause(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// isAlive says whether a process runs: one that has ended but that its parent
// has not waited for yet does not.
func isAlive(pid int) bool {
	state := statusField(pid, "State")
	return len(state) > 0 && state[0] != "Z" && state[0] != "X"
}

// confiner returns the process that was started to confine a daemon, which
// leads a session of its own; 0 where the daemon was started by hand, so that
// it is no child of a PID namespace's first process.
func confiner(pid int) int {
	ids := statusField(pid, "NSpid")
	parent := 0
	if p := statusField(pid, "PPid"); len(p) == 1 {
		_, _ = fmt.Sscan(p[0], &parent)
	}
	above := statusField(parent, "NSpid")
	if len(ids) < 2 || len(above) != len(ids) || above[len(above)-1] != "1" {
		return 0
	}
	leader, err := unix.Getsid(pid)
	if err != nil {
		return 0
	}
	return leader
}

func statusField(pid int, name string) []string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.Fields(value)
		}
	}
	return nil
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(pollInterval):
		return nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return fault.As(fault.Cancelled, ctx.Err())
		}
		return fault.Hint(fault.New(fault.Internal, "the engine did not end within %s", stopTimeout), "run the same command again")
	}
}
