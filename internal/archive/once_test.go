package archive

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
)

func TestOnce(t *testing.T) {
	var o once[int]
	var calls atomic.Int32
	broken := errors.New("broken")
	for key, want := range map[string]error{"good": nil, "bad": broken} {
		calls.Store(0)
		var group errgroup.Group
		for range 20 {
			group.Go(func() error {
				got, err := o.do(t.Context(), key, func() (int, error) { return int(calls.Add(1)), want })
				if got != 1 || !errors.Is(err, want) {
					t.Errorf("%s: got %d, %v", key, got, err)
				}
				return nil
			})
		}
		_ = group.Wait()
	}
}

// TestOnceOthersContext: a caller who waited for one that was cancelled makes
// the thing itself; one whose own context ended does not try again.
func TestOnceOthersContext(t *testing.T) {
	var o once[string]
	ctx, cancel := context.WithCancel(t.Context())
	began, waits := make(chan struct{}), make(chan struct{})
	var group errgroup.Group
	group.Go(func() error {
		if _, err := o.do(ctx, "x", func() (string, error) {
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
		if got, err := o.do(t.Context(), "x", func() (string, error) { return "second", nil }); got != "second" || err != nil {
			t.Errorf("who waited: %q, %v", got, err)
		}
		return nil
	})
	_ = group.Wait()
	calls := 0
	if _, err := o.do(t.Context(), "y", func() (string, error) { calls++; return "", context.Canceled }); err == nil || calls != 1 {
		t.Errorf("called %d times, %v", calls, err)
	}
}
