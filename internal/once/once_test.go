package once

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/internal/fault"
)

// TestDo: who asks at the same time gets the same, made once; afterwards a
// mistake stays one, and what may pass is tried again.
func TestDo(t *testing.T) {
	for name, tt := range map[string]struct {
		failure error
		calls   int32 // after one more asked
	}{
		"made":         {nil, 1},
		"a mistake":    {fault.New(fault.Invalid, "no such package"), 1},
		"tampered":     {fault.New(fault.Integrity, "another digest"), 1},
		"no network":   {fault.New(fault.Network, "no answer"), 2},
		"not foreseen": {errors.New("disk gone"), 2},
	} {
		var o Map[int]
		var calls atomic.Int32
		var group errgroup.Group
		all := make(chan struct{})
		f := func() (int, error) {
			<-all
			return int(calls.Add(1)), tt.failure
		}
		for range 20 {
			group.Go(func() error {
				if _, err := o.Do(t.Context(), "key", f); !errors.Is(err, tt.failure) {
					t.Errorf("%s: %v", name, err)
				}
				return nil
			})
		}
		close(all)
		_ = group.Wait()
		before := calls.Load()
		_, _ = o.Do(t.Context(), "key", f)
		if tt.calls == 1 && calls.Load() != 1 || tt.calls == 2 && calls.Load() != before+1 {
			t.Errorf("%s: made %d times, then %d", name, before, calls.Load())
		}
		if _, err := o.Do(t.Context(), "another", f); !errors.Is(err, tt.failure) || calls.Load() == before {
			t.Errorf("%s: another key got the same", name)
		}
	}
}

// TestOthersContext: a caller who waited for one that was cancelled makes
// the thing itself; one whose own context ended does not try again.
func TestOthersContext(t *testing.T) {
	var o Map[string]
	ctx, cancel := context.WithCancel(t.Context())
	began, waits := make(chan struct{}), make(chan struct{})
	var group errgroup.Group
	group.Go(func() error {
		if _, err := o.Do(ctx, "x", func() (string, error) {
			close(began)
			<-waits
			cancel()
			return "", ctx.Err()
		}); !errors.Is(err, context.Canceled) {
			t.Errorf("the cancelled one: %v", err)
		}
		return nil
	})
	<-began
	group.Go(func() error {
		close(waits)
		if got, err := o.Do(t.Context(), "x", func() (string, error) { return "second", nil }); got != "second" || err != nil {
			t.Errorf("who waited: %q, %v", got, err)
		}
		return nil
	})
	_ = group.Wait()
	calls := 0
	if _, err := o.Do(t.Context(), "y", func() (string, error) { calls++; return "", context.Canceled }); err == nil || calls != 1 {
		t.Errorf("called %d times, %v", calls, err)
	}
}
