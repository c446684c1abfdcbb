package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/notify"
)

// TestHeraldSaysWhatWasNotTold tells one webhook that refuses and one
// that takes: the log names the host and nothing else of the address.
func TestHeraldSaysWhatWasNotTold(t *testing.T) {
	t.Setenv("HOOK", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	answer := http.StatusForbidden
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(answer) }))
	t.Cleanup(server.Close)
	said := func(address string) (string, []string) {
		var screen bytes.Buffer
		display, err := progress.New(progress.Options{Screen: &screen, Mode: progress.Plain})
		if err != nil {
			t.Fatal(err)
		}
		ctx := progress.With(t.Context(), display)
		h, err := startHerald(ctx, &settings.Settings{Notify: settings.Notify{URL: address + "/s3cr3t", Secret: "env:HOOK"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, app := range []string{"a", "b", "c", "d", "e"} {
			h.tell()(notify.New(notify.Failed, app, "", time.Now(), nil))
		}
		delivered := h.end(ctx)
		display.Close()
		return screen.String(), delivered
	}
	host := strings.TrimPrefix(server.URL, "http://")
	text, delivered := said(server.URL)
	if !strings.Contains(text, "warning  "+host+" was not told: dev.bakelite.app.failed of a: it answered 403") || !strings.Contains(text, "nor of 2 other events") || strings.Contains(text, "s3cr3t") || len(delivered) > 0 {
		t.Errorf("it says %q, delivered %v", text, delivered)
	}
	answer = http.StatusOK
	if text, delivered := said(server.URL); strings.Contains(text, "warning") || len(delivered) != 5 {
		t.Errorf("it says %q, delivered %v", text, delivered)
	}
	var nobody *herald
	if nobody.tell() != nil || nobody.end(t.Context()) != nil {
		t.Error("somebody is told where no webhook is set")
	}
}
