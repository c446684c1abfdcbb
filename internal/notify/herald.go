package notify

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// maxWaiting bounds how many events wait to be sent.
const maxWaiting = 4096

// Herald sends events one after the other while others work.
type Herald struct {
	hook   Webhook
	source string
	cancel context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex
	closed  bool
	given   int
	waiting chan Event
	report  Report
}

// Report is what became of the events that a Herald was given.
type Report struct {
	// Delivered are the IDs of those that were taken.
	Delivered []string
	// Failures say what was not, and why.
	Failures []error
}

// Start starts a Herald that tells a webhook in the name of source, a URI, until
// the context ends.
func Start(ctx context.Context, hook Webhook, source string) *Herald {
	ctx, cancel := context.WithCancel(ctx)
	h := &Herald{hook: hook, source: source, cancel: cancel, ended: make(chan struct{}), waiting: make(chan Event, maxWaiting)}
	go func() {
		defer close(h.ended)
		for e := range h.waiting {
			h.note(e, h.hook.Send(ctx, e))
		}
	}()
	return h
}

// Tell takes an event to be sent, and never waits.
func (h *Herald) Tell(e Event) {
	e.Source = h.source
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.given++
	select {
	case h.waiting <- e:
	default:
		h.report.Failures = append(h.report.Failures, fmt.Errorf("%s of %s: %d others are waiting", e.Type, e.Subject, maxWaiting))
	}
}

// Idle says whether the Herald was given no event.
func (h *Herald) Idle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.given == 0
}

func (h *Herald) note(e Event, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.report.Failures = append(h.report.Failures, fmt.Errorf("%s of %s: %w", e.Type, e.Subject, err))
		return
	}
	h.report.Delivered = append(h.report.Delivered, e.ID)
}

// Close takes no more events, waits at most that long for those that were
// given, gives up the others, and reports. It is to be called once.
func (h *Herald) Close(patience time.Duration) Report {
	h.mu.Lock()
	h.closed = true
	close(h.waiting)
	h.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-h.ended:
	case <-timer.C:
	}
	h.cancel()
	<-h.ended
	return h.report
}
