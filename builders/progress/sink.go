package progress

import (
	"context"
	"io"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
)

// Mode is how progress is shown.
type Mode string

// The modes.
const (
	// Plain is a line per step, when it is done.
	Plain Mode = "plain"
	// Full is all that steps write, with their beginnings and ends.
	Full Mode = "full"
	// Terminal draws what runs.
	Terminal Mode = "tty"
	// JSON is BuildKit's own updates, for programs.
	JSON Mode = "json"
	// Quiet shows nothing.
	Quiet Mode = "quiet"
)

// sink is one place where progress is shown.
type sink interface {
	// show is given updates in order; ours says that they are of a step of Do.
	show(u *client.SolveStatus, ours bool)
	// close shows what is left and ends it.
	close()
}

// buildKit is a display of BuildKit's.
type buildKit struct {
	updates chan *client.SolveStatus
	shown   chan struct{}
}

func newBuildKit(w io.Writer, m Mode) (*buildKit, error) {
	mode := map[Mode]progressui.DisplayMode{
		Full: progressui.PlainMode, Terminal: progressui.TtyMode, JSON: progressui.RawJSONMode, Quiet: progressui.QuietMode,
	}[m]
	display, err := progressui.NewDisplay(w, mode)
	if err != nil {
		return nil, err
	}
	b := &buildKit{updates: make(chan *client.SolveStatus, 64), shown: make(chan struct{})}
	go func() {
		defer close(b.shown)
		// The display ends when the channel is closed, so that a cancelled
		// command still shows how its last steps ended.
		_, _ = display.UpdateFrom(context.Background(), b.updates) //nolint:forbidigo // the channel ends it
	}()
	return b, nil
}

func (b *buildKit) show(u *client.SolveStatus, _ bool) { b.updates <- u }

func (b *buildKit) close() {
	close(b.updates)
	<-b.shown
}
