package container

import (
	"context"
	"fmt"
	"io"
	"time"
)

// followPause is the time between two looks at the service's output.
const followPause = 100 * time.Millisecond

// Follow copies the service's output to w as it comes, from its beginning,
// until ctx ends or the service does. A service that writes more than 256 KiB
// between two looks is not waited for: the oldest of it is left out. Errors
// are those of w. What a service writes can control a terminal.
func (r *Running) Follow(ctx context.Context, w io.Writer) error {
	position := int64(0)
	for ended := false; ; {
		more, next := r.log.Since(position)
		if _, err := w.Write(more); err != nil {
			return fmt.Errorf("showing the service's output: %w", err)
		}
		if position = next; ended {
			return nil
		}
		select {
		case <-ctx.Done():
			ended = true
		case <-r.process.Done():
			ended = true
		case <-time.After(followPause):
		}
	}
}
