package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
)

// stopTimeout bounds how long a daemon may take to end.
const stopTimeout = 15 * time.Second

// Stop ends the own engine of a state folder and waits until it has ended; it
// returns false where none runs.
func Stop(ctx context.Context, state string) (bool, error) {
	state = filepath.Join(state, "engine")
	release, err := acquire(state)
	if err == nil {
		release()
		return false, nil
	}
	if fault.KindOf(err) != fault.Busy {
		return false, err
	}
	text, err := os.ReadFile(filepath.Join(state, "pid"))
	if err != nil {
		return false, fmt.Errorf("reading engine's pid: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 {
		return false, fault.New(fault.Internal, "engine's pid file holds %q", text)
	}
	if err := unix.Kill(pid, unix.SIGTERM); err != nil && !errors.Is(err, unix.ESRCH) {
		return false, fmt.Errorf("stopping engine: %w", err)
	}
	return true, awaitEnd(ctx, state)
}

func awaitEnd(ctx context.Context, state string) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	for {
		release, err := acquire(state)
		if err == nil {
			release()
			return nil
		}
		select {
		case <-ctx.Done():
			return fault.New(fault.Internal, "the engine did not end within %s", stopTimeout)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Prune removes everything from the build cache that no build uses now, and
// returns the bytes freed.
func (e *Engine) Prune(ctx context.Context) (int64, error) {
	removed := make(chan client.UsageInfo)
	var freed int64
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		for info := range removed {
			freed += info.Size
		}
		return nil
	})
	group.Go(func() error {
		defer close(removed)
		return e.client.Prune(ctx, removed, client.PruneAll)
	})
	return freed, group.Wait()
}
