// Package probe makes the checks that an app file declares against a running
// artifact, by a dialer that the artifact's runner gives. It refuses to
// follow redirects, to use proxies and to read unbounded bodies.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/bakelite/bakelite/internal/app"
)

// The values of Result.Artifact.
const (
	Container = "container"
	Disk      = "disk"
)

const (
	// DefaultWithin is how long a check may go on failing where a test does
	// not say (the app file's documented default).
	DefaultWithin = 30 * time.Second
	// attemptTime bounds one attempt (the app file's default health timeout).
	attemptTime = 5 * time.Second
	// pause is the time between two attempts.
	pause = 100 * time.Millisecond
)

// Result is the outcome of one test on one artifact.
type Result struct {
	Artifact string  `json:"artifact"`
	Name     string  `json:"name"`
	Passed   bool    `json:"passed"`
	Detail   string  `json:"detail,omitempty"`
	Seconds  float64 `json:"seconds"`
}

// Dialer opens a connection to the artifact; addr is host:port, and only the
// port counts.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// Execer runs a program in the artifact and returns its exit code and both of
// its streams; an error means that it could not be run.
type Execer func(ctx context.Context, argv []string) (exit int, output []byte, err error)

// Options is one test and the ways into the artifact.
type Options struct {
	Artifact string
	Service  app.Service
	Test     app.Test
	Dial     Dialer
	Exec     Execer
	// Attempt bounds one attempt, 5 seconds if zero.
	Attempt time.Duration
	// Alive, where set, ends the retries once it returns an error.
	Alive func() error
}

// Run repeats the test's check until it passes or its Within is over; the
// detail says what was last seen and what was wanted.
func Run(ctx context.Context, o Options) Result {
	start := time.Now()
	within, cancel := context.WithTimeout(ctx, orDuration(time.Duration(o.Test.Within), DefaultWithin))
	defer cancel()
	detail, err := repeat(within, o)
	result := Result{Artifact: o.Artifact, Name: Name(o.Test, o.Service), Passed: err == nil, Detail: detail}
	if err != nil {
		result.Detail = err.Error()
	}
	result.Seconds = Seconds(time.Since(start))
	return result
}

func repeat(ctx context.Context, o Options) (detail string, err error) {
	for {
		var current error
		detail, current = attempt(ctx, o)
		if current == nil {
			return detail, nil
		}
		// An attempt cut short by the end says less than the one before.
		if err == nil || ctx.Err() == nil {
			err = current
		}
		if alive := o.alive(); alive != nil {
			return "", fmt.Errorf("%w; %w", alive, err)
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(pause):
		}
	}
}

func attempt(ctx context.Context, o Options) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, orDuration(o.Attempt, attemptTime))
	defer cancel()
	c := o.Test.Check
	switch {
	case c.HTTP != nil:
		return checkHTTP(ctx, o.Dial, *c.HTTP, Port(c, o.Service))
	case c.TCP != nil:
		return checkTCP(ctx, o.Dial, Port(c, o.Service))
	case c.Command != nil:
		return checkCommand(ctx, o.Exec, *c.Command)
	}
	return "", errors.New("the test declares no check")
}

func (o Options) alive() error {
	if o.Alive == nil {
		return nil
	}
	return o.Alive()
}

func orDuration(d, fallback time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return fallback
}

// Seconds is d in seconds, to the millisecond.
func Seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
