// Package flock takes the kernel's locks of open files and folders (flock(2)),
// which end with the process that holds them.
package flock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Kind is how a lock is held.
type Kind int

// The kinds.
const (
	// Exclusive is held by one.
	Exclusive Kind = unix.LOCK_EX
	// Shared is held by many, while nobody holds it exclusively.
	Shared Kind = unix.LOCK_SH
)

// Try takes the lock of f, which lasts until f is closed, and returns false
// where another holds it. A kind that is held is changed.
func Try(f *os.File, k Kind) (bool, error) {
	for {
		err := unix.Flock(int(f.Fd()), int(k)|unix.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, unix.EINTR):
			return false, fmt.Errorf("locking %s: %w", f.Name(), err)
		}
	}
}

// Wait is Try that looks again until the lock is free or the context has
// ended.
func Wait(ctx context.Context, f *os.File, k Kind, every time.Duration) error {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		if taken, err := Try(f, k); taken || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
	}
}
