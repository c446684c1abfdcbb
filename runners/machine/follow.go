package machine

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// followPause is the time between two looks at the console's log.
const followPause = 100 * time.Millisecond

// Limit is how long the boot may take on this machine.
func (m *Machine) Limit() time.Duration { return m.limit }

// Done is closed when the machine has ended.
func (m *Machine) Done() <-chan struct{} { return m.process.Done() }

// Follow copies the console to w as it comes, its first 4 MiB, until ctx ends
// or the machine does. Its errors are those of reading the log and of w. What
// a machine writes can control a terminal: see PlainText.
func (m *Machine) Follow(ctx context.Context, w io.Writer) error {
	f, err := os.Open(m.Log)
	if err != nil {
		return fmt.Errorf("following the console: %w", err)
	}
	defer f.Close()
	for ended := false; ; {
		if _, err := io.Copy(w, f); err != nil {
			return fmt.Errorf("following the console: %w", err)
		}
		if ended {
			return nil
		}
		select {
		case <-ctx.Done():
			ended = true
		case <-m.process.Done():
			ended = true
		case <-time.After(followPause):
		}
	}
}
