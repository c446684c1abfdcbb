package notify_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/notify"
	"github.com/bakelite/bakelite/internal/retry"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

var at = time.Date(2026, 11, 28, 4, 17, 0, 0, time.UTC)

// TestSignature is the example of Standard Webhooks, whose signature OpenSSL
// gives too.
func TestSignature(t *testing.T) {
	key, err := notify.ParseSecret(secret + "\n")
	if err != nil {
		t.Fatal(err)
	}
	got := notify.Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSecretsThatAreNone(t *testing.T) {
	long := base64.StdEncoding.EncodeToString(make([]byte, 65))
	for _, text := range []string{"", "hunter2hunter2hunter2hunter2hunter2", "whsec_", "whsec_c2hvcnQ=", "whsec_" + long, "whsec_%%%%"} {
		_, err := notify.ParseSecret(text)
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.HintOf(err), "openssl rand") || text != "" && strings.Contains(err.Error(), strings.TrimPrefix(text, "whsec_")) && text != "whsec_" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"https://hooks.example.com/x?key=1": true, "http://localhost:8080/": true, "http://127.0.0.1/": true, "http://[::1]:1/": true,
		"http://hooks.example.com/": false, "https://": false, "ftp://localhost/": false, "hooks.example.com": false, "https://me:pw@hooks.example.com/": false, "\x7f": false,
	} {
		if err := notify.CheckAddress(address); (err == nil) != want {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// receiver is a server that answers each request as it is told, the last way
// again and again, and keeps what it was sent.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte
	heads  []http.Header
}

func receive(t *testing.T, answers ...http.HandlerFunc) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		r.bodies, r.heads = append(r.bodies, body), append(r.heads, q.Header)
		n := min(len(r.bodies), len(answers)) - 1
		r.mu.Unlock()
		answers[n](w, q)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.bodies)
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

func slow(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }

func hook(t *testing.T, address string) notify.Webhook {
	key, err := notify.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return notify.Webhook{Address: address, Secret: key, Limit: time.Second, Plan: retry.Plan{Attempts: 3, First: time.Millisecond, Max: time.Millisecond}}
}

// TestSend gives each kind of answer: what may pass is attempted again, what
// will not is not, and every attempt is signed and the same event.
func TestSend(t *testing.T) {
	elsewhere := receive(t, status(http.StatusOK))
	for name, tt := range map[string]struct {
		answers []http.HandlerFunc
		sent    int
		fails   string
	}{
		"taken":                      {[]http.HandlerFunc{status(http.StatusNoContent)}, 1, ""},
		"taken the third time":       {[]http.HandlerFunc{status(http.StatusInternalServerError), status(http.StatusTooManyRequests), status(http.StatusAccepted)}, 3, ""},
		"never":                      {[]http.HandlerFunc{status(http.StatusBadGateway)}, 3, "502 Bad Gateway"},
		"refused":                    {[]http.HandlerFunc{status(http.StatusUnauthorized)}, 1, "401 Unauthorized"},
		"gone":                       {[]http.HandlerFunc{status(http.StatusGone)}, 1, "410 Gone"},
		"a redirect to another host": {[]http.HandlerFunc{status(http.StatusTemporaryRedirect, "Location", elsewhere.URL)}, 1, "307 Temporary Redirect"},
		"closed before it answers":   {[]http.HandlerFunc{func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, status(http.StatusOK)}, 2, ""},
		"without end":                {[]http.HandlerFunc{func(w http.ResponseWriter, q *http.Request) { endless(w, q) }}, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := receive(t, tt.answers...)
			err := hook(t, r.URL).Send(t.Context(), notify.New(notify.Rebuilt, "web", "1", at, map[string]int{"n": 1}))
			if (err == nil) != (tt.fails == "") || err != nil && (!strings.Contains(err.Error(), tt.fails) || fault.KindOf(err) != fault.Network) || r.count() != tt.sent {
				t.Errorf("got %v after %d requests, want %d", err, r.count(), tt.sent)
			}
			for i, head := range r.heads {
				checkRequest(t, head, r.bodies[i])
			}
			if elsewhere.count() > 0 {
				t.Error("it followed a redirect")
			}
		})
	}
}

// endless writes until nobody reads any more.
func endless(w http.ResponseWriter, q *http.Request) {
	for q.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 1<<16)); err != nil {
			return
		}
	}
}

// checkRequest does what a receiver does.
func checkRequest(t *testing.T, head http.Header, body []byte) {
	t.Helper()
	sent, err := strconv.ParseInt(head.Get("webhook-timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(sent, 0)).Abs() > time.Minute {
		t.Errorf("sent at %q", head.Get("webhook-timestamp"))
	}
	key, _ := notify.ParseSecret(secret)
	if want := notify.Sign(key, head.Get("webhook-id"), head.Get("webhook-timestamp"), body); head.Get("webhook-signature") != want {
		t.Errorf("signed %q, want %q", head.Get("webhook-signature"), want)
	}
	var e map[string]any
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"specversion": "1.0", "id": head.Get("webhook-id"), "type": "dev.bakelite.app.rebuilt", "subject": "web", "time": "2026-11-28T04:17:00Z", "datacontenttype": "application/json",
	} {
		if e[key] != want {
			t.Errorf("%s is %v, want %v", key, e[key], want)
		}
	}
	if head.Get("Content-Type") != "application/cloudevents+json; charset=utf-8" {
		t.Errorf("the type is %q", head.Get("Content-Type"))
	}
}

// TestAddressStaysOut: what a webhook's address holds may be a secret.
func TestAddressStaysOut(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + closed.Addr().String() + "/hook/s3cr3t"
	_ = closed.Close()
	h := hook(t, address)
	if err := h.Send(t.Context(), notify.New(notify.Failed, "web", "1", at, nil)); err == nil || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(h.Host(), "s3cr3t") || !strings.HasPrefix(h.Host(), "127.0.0.1:") {
		t.Errorf("its host is %s", h.Host())
	}
}

func TestSameNewsIsTheSameEvent(t *testing.T) {
	one := notify.New(notify.Failed, "web", "1", at, 1)
	if same := notify.New(notify.Failed, "web", "1", at.Add(time.Hour), 2); same.ID != one.ID {
		t.Errorf("%s is told as %s", one.ID, same.ID)
	}
	for _, other := range []notify.Event{notify.New(notify.Rebuilt, "web", "1", at, 1), notify.New(notify.Failed, "we", "b1", at, 1), notify.New(notify.Failed, "web", "2", at, 1)} {
		if other.ID == one.ID {
			t.Errorf("%+v has the same ID", other)
		}
	}
}

// TestLaterThanAnyTime: a number of seconds that no time holds is a long time.
func TestLaterThanAnyTime(t *testing.T) {
	r := receive(t, status(http.StatusTooManyRequests, "Retry-After", "9223372036854775807"))
	ctx, end := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer end()
	if err := hook(t, r.URL).Send(ctx, notify.New(notify.Rebuilt, "web", "1", at, nil)); err == nil || r.count() != 1 {
		t.Errorf("got %v after %d requests", err, r.count())
	}
}
