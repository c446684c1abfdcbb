package notify_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/notify"
)

const source = "https://bakelite.dev/builder/local"

func event(n int) notify.Event { return notify.New(notify.Rebuilt, "web", strconv.Itoa(n), at, nil) }

// TestHerald delivers in the order of telling, in the name of the source.
func TestHerald(t *testing.T) {
	r := receive(t, status(http.StatusBadRequest), status(http.StatusOK))
	h := notify.Start(t.Context(), hook(t, r.URL), source)
	if !h.Idle() {
		t.Error("it was given nothing and is not idle")
	}
	for n := range 3 {
		h.Tell(event(n))
	}
	report := h.Close(time.Minute)
	if len(report.Delivered) != 2 || report.Delivered[0] != event(1).ID || report.Delivered[1] != event(2).ID || len(report.Failures) != 1 || h.Idle() {
		t.Errorf("got %+v", report)
	}
	if text := report.Failures[0].Error(); !strings.Contains(text, "dev.bakelite.app.rebuilt of web: it answered 400") {
		t.Errorf("it says %q", text)
	}
	var e notify.Event
	if err := json.Unmarshal(r.bodies[0], &e); err != nil || e.Source != source {
		t.Errorf("got %+v, %v", e, err)
	}
	h.Tell(event(4)) // comes too late, and stops nobody
}

// TestDeadWebhookBlocksNobody tells one that never answers more than waits, and
// gives up when patience ends.
func TestDeadWebhookBlocksNobody(t *testing.T) {
	r := receive(t, slow)
	dead := hook(t, r.URL)
	dead.Limit = time.Hour
	h := notify.Start(t.Context(), dead, source)
	const more = 10
	told := make(chan struct{})
	go func() {
		defer close(told)
		for n := range notify.MaxWaiting + more {
			h.Tell(event(n))
		}
	}()
	select {
	case <-told:
	case <-time.After(time.Minute):
		t.Fatal("Tell waits")
	}
	ended := make(chan notify.Report)
	go func() { ended <- h.Close(10 * time.Millisecond) }()
	select {
	case report := <-ended:
		if len(report.Delivered) != 0 || len(report.Failures) != notify.MaxWaiting+more {
			t.Errorf("%d delivered, %d failed", len(report.Delivered), len(report.Failures))
		}
	case <-time.After(time.Minute):
		t.Fatal("Close waits for ever")
	}
}
