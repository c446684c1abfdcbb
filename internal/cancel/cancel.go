// Package cancel ends what has no context of its own when a context ends.
package cancel

import (
	"context"
	"io"
)

// Reader returns a reader of r that fails with the context's error once the
// context has ended; a read that waits already is not woken.
func Reader(ctx context.Context, r io.Reader) io.Reader { return reader{ctx, r} }

type reader struct {
	ctx context.Context //nolint:containedctx // an io.Reader has no other way to it
	r   io.Reader
}

func (c reader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
