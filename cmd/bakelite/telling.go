package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/notify"
	"github.com/bakelite/bakelite/pipelines/channels"
)

const (
	// telling is how long a command waits at its end for a webhook.
	telling = 30 * time.Second
	// untold bounds how many events are named that nobody took.
	untold = 3
)

// herald tells the webhook of the settings of what a command finds and does; of
// nil nobody is told.
type herald struct {
	*notify.Herald
	host string
}

// startHerald starts the herald of the settings. What cannot be delivered later
// is said and fails nothing; a webhook that cannot be used is an error now,
// before anything is begun.
func startHerald(ctx context.Context, s *settings.Settings) (*herald, error) {
	hook, source, err := compose.Webhook(s)
	if hook == nil || err != nil {
		return nil, err
	}
	return &herald{notify.Start(ctx, *hook, source), hook.Host()}, nil
}

// tell is what flows tell, nil where nobody is told.
func (h *herald) tell() func(notify.Event) {
	if h == nil {
		return nil
	}
	return h.Tell
}

// end waits for what is left to be told, warns of what was not, and returns the
// IDs of what was delivered.
func (h *herald) end(ctx context.Context) []string {
	if h == nil || h.Idle() {
		return nil
	}
	var r notify.Report
	_ = progress.Run(ctx, "[notify] "+h.host, func(_ context.Context, log io.Writer) error {
		r = h.Close(telling)
		for _, err := range r.Failures[:min(len(r.Failures), untold)] {
			_ = progress.Warn(log, h.host+" was not told: "+err.Error())
		}
		if more := len(r.Failures) - untold; more > 0 {
			_ = progress.Warn(log, fmt.Sprintf("nor of %d other events", more))
		}
		return nil
	})
	return r.Delivered
}

// revokeAndTell revokes as planned, and tells of it.
func revokeAndTell(ctx context.Context, s *settings.Settings, flow channels.Flow, p channels.Plan) error {
	h, err := startHerald(ctx, s)
	if err != nil {
		return err
	}
	if err := flow.Carry(ctx, p); err != nil || h == nil {
		return err
	}
	v := p.Revocation
	h.Tell(notify.New(notify.Revoked, p.Repository+"@"+v.Digest, v.Reason, v.At, v))
	h.end(ctx)
	return nil
}
