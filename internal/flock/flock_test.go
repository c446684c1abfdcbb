package flock_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/flock"
)

// opened returns a folder, opened n times: each of them locks for itself.
func opened(t *testing.T, n int) []*os.File {
	t.Helper()
	dir := t.TempDir()
	all := make([]*os.File, n)
	for i := range all {
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		all[i] = f
	}
	return all
}

func TestLocks(t *testing.T) {
	f := opened(t, 3)
	for _, step := range []struct {
		who  int
		kind flock.Kind
		want bool
	}{
		{0, flock.Exclusive, true}, {1, flock.Exclusive, false}, {1, flock.Shared, false},
		{0, flock.Shared, true}, {1, flock.Shared, true}, {2, flock.Exclusive, false},
	} {
		if got, err := flock.Try(f[step.who], step.kind); got != step.want || err != nil {
			t.Errorf("%+v: got %t and %v", step, got, err)
		}
	}
	f[0].Close()
	f[1].Close()
	if got, err := flock.Try(f[2], flock.Exclusive); !got || err != nil {
		t.Errorf("the locks of closed files last: %t, %v", got, err)
	}
	if _, err := flock.Try(f[0], flock.Shared); err == nil {
		t.Error("a closed file was locked")
	}
}

func TestWait(t *testing.T) {
	f := opened(t, 2)
	if ok, err := flock.Try(f[0], flock.Exclusive); !ok || err != nil {
		t.Fatal(ok, err)
	}
	ctx, end := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer end()
	if err := flock.Wait(ctx, f[1], flock.Exclusive, time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that it is waited for", err)
	}
	time.AfterFunc(20*time.Millisecond, func() { f[0].Close() })
	if err := flock.Wait(t.Context(), f[1], flock.Exclusive, time.Millisecond); err != nil {
		t.Errorf("got %v, want the lock", err)
	}
}
