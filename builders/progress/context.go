package progress

import (
	"context"
	"io"

	digest "github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/plain"
)

type displayKey struct{}

// With returns a context whose steps are shown by a display.
func With(ctx context.Context, d *Display) context.Context {
	return context.WithValue(ctx, displayKey{}, d)
}

// From returns the display of a context, or one that shows nothing.
func From(ctx context.Context) *Display {
	if d, ok := ctx.Value(displayKey{}).(*Display); ok {
		return d
	}
	return &Display{steps: map[digest.Digest]*record{}, groups: map[string]*group{}, notes: map[string]bool{}}
}

// Do runs fn as one step of the context's display, as its method Do does, and returns
// what it gives.
func Do[T any](ctx context.Context, name string, fn func(ctx context.Context, log io.Writer) (T, error)) (result T, err error) {
	err = From(ctx).Do(ctx, name, func(ctx context.Context, log io.Writer) (_ bool, err error) {
		result, err = fn(ctx, log)
		return false, err
	})
	return result, err
}

// Run is Do for what gives nothing but an error.
func Run(ctx context.Context, name string, fn func(ctx context.Context, log io.Writer) error) error {
	return From(ctx).Do(ctx, name, func(ctx context.Context, log io.Writer) (bool, error) { return false, fn(ctx, log) })
}

// Warn writes a line to a step's log that is shown in the mode Plain too.
func Warn(log io.Writer, why string) error {
	_, err := io.WriteString(log, "warning: "+plain.Text(why)+"\n")
	return err
}
