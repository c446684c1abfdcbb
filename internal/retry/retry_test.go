package retry_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/retry"
)

var (
	errBusy = errors.New("busy")
	errGone = errors.New("gone")
)

// passing says that only busy may pass.
func passing(err error) (time.Duration, bool) { return 0, errors.Is(err, errBusy) }

func TestAttempts(t *testing.T) {
	for name, tt := range map[string]struct {
		errs []error
		want error
		made int
	}{
		"at once":        {[]error{nil}, nil, 1},
		"the third time": {[]error{errBusy, errBusy, nil}, nil, 3},
		"never":          {[]error{errBusy, errBusy, errBusy, errBusy}, errBusy, 3},
		"for good":       {[]error{errBusy, errGone, nil}, errGone, 2},
	} {
		t.Run(name, func(t *testing.T) {
			made := 0
			err := retry.Plan{Attempts: 3, First: time.Microsecond, Max: time.Millisecond}.Do(t.Context(), func(context.Context) error {
				made++
				return tt.errs[made-1]
			}, passing)
			if !errors.Is(err, tt.want) || made != tt.made {
				t.Errorf("got %v after %d attempts, want %v after %d", err, made, tt.want, tt.made)
			}
		})
	}
}

// Who asks to be left alone for a time is.
func TestWaitsAsLongAsAsked(t *testing.T) {
	const asked = 50 * time.Millisecond
	started := time.Now()
	err := retry.Plan{Attempts: 2, First: time.Microsecond, Max: time.Microsecond}.Do(t.Context(),
		func(context.Context) error { return errBusy }, func(error) (time.Duration, bool) { return asked, true })
	if waited := time.Since(started); !errors.Is(err, errBusy) || waited < asked {
		t.Errorf("got %v after %v, want at least %v", err, waited, asked)
	}
}

func TestContextEndsIt(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	made := 0
	plan := retry.Plan{Attempts: 3, First: time.Hour, Max: time.Hour}
	err := plan.Do(ctx, func(context.Context) error {
		made++
		time.AfterFunc(time.Millisecond, end)
		return errBusy
	}, passing)
	if !errors.Is(err, context.Canceled) || made != 1 {
		t.Errorf("got %v after %d attempts, want that the wait ended", err, made)
	}
	if err := plan.Do(ctx, func(context.Context) error { made++; return nil }, passing); !errors.Is(err, context.Canceled) || made != 1 {
		t.Errorf("got %v, and after the context's end another attempt was made: %t", err, made > 1)
	}
}

func TestJitter(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 1000 {
		d := retry.Jitter(time.Second)
		if d < time.Second/2 || d > 3*time.Second/2 {
			t.Fatalf("%v is not half to one and a half of 1s", d)
		}
		seen[d] = true
	}
	if len(seen) < 100 {
		t.Errorf("only %d of 1000 waits differ", len(seen))
	}
}
