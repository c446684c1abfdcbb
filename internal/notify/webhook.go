package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/retry"
)

const (
	// maxEvent bounds an event, in bytes: services that pass events on take no
	// more than 64 KB (CloudEvents 1.0, "Size Limits").
	maxEvent = 64 << 10
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 4 << 10
	// maxLater bounds how long an answer may ask to be left alone.
	maxLater = 30 * time.Second
	// answered is how long one attempt may take.
	answered = 10 * time.Second
)

// attempts are those to deliver one event: 20 to 60 s in all.
func attempts() retry.Plan {
	return retry.Plan{Attempts: 4, First: time.Second, Max: 8 * time.Second}
}

// Webhook is an address that takes events.
type Webhook struct {
	// Address is https, or http on this machine.
	Address string
	// Secret is what ParseSecret returned.
	Secret []byte
	// Plan says how often an event is attempted, Limit how long one attempt may
	// take; the zero values stand for four times and 10 s.
	Plan  retry.Plan
	Limit time.Duration
}

// CheckAddress refuses an address at which events could be read or changed on
// their way, or that holds a password.
func CheckAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("it is not a URL")
	}
	ip := net.ParseIP(u.Hostname())
	here := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	switch {
	case u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && here):
		return errors.New("want a URL with https, or with http on this machine")
	case u.User != nil:
		return errors.New("want a URL without a name and a password: requests are signed")
	}
	return nil
}

// Host is the part of the address that is shown: the rest may be a secret.
func (w Webhook) Host() string {
	u, err := url.Parse(w.Address)
	if err != nil {
		return "the webhook"
	}
	return u.Host
}

const secretPrefix = "whsec_"

// ParseSecret reads a secret as Standard Webhooks writes it: whsec_ and 24 to
// 64 bytes in base64. Errors, of kind fault.Invalid, do not repeat it.
func ParseSecret(text string) ([]byte, error) {
	const least, most = 24, 64
	encoded, prefixed := strings.CutPrefix(strings.TrimSpace(text), secretPrefix)
	secret, err := base64.StdEncoding.DecodeString(encoded)
	if !prefixed || err != nil || len(secret) < least || len(secret) > most {
		return nil, fault.Hint(fault.New(fault.Invalid, "the secret of the webhook is not %s and %d to %d bytes in base64", secretPrefix, least, most),
			`make one with: echo "whsec_$(openssl rand -base64 32)"`)
	}
	return secret, nil
}

// Send delivers an event; it attempts again what may pass. An event that was
// not taken is a fault.Network.
func (w Webhook) Send(ctx context.Context, e Event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("writing the event: %w", err)
	}
	if len(body) > maxEvent {
		return fault.New(fault.Internal, "the event has %d bytes: at most %d", len(body), maxEvent)
	}
	plan := w.Plan
	if plan.Attempts == 0 {
		plan = attempts()
	}
	err = plan.Do(ctx, func(ctx context.Context) error { return w.post(ctx, e.ID, body) }, again)
	return fault.As(fault.Network, err)
}

// refusal is an answer that is no success.
type refusal struct {
	code int
	// later is how long it asks to be left alone.
	later time.Duration
}

// Error has our own words for the code: the answer's would be a stranger's.
func (r *refusal) Error() string {
	return strings.TrimSpace(fmt.Sprintf("it answered %d %s", r.code, http.StatusText(r.code)))
}

// again says whether an attempt may go better later: no answer, or one that
// says so itself.
func again(err error) (time.Duration, bool) {
	var r *refusal
	if !errors.As(err, &r) {
		return 0, true
	}
	return r.later, r.code == http.StatusRequestTimeout || r.code == http.StatusTooManyRequests || r.code >= http.StatusInternalServerError
}

func (w Webhook) post(ctx context.Context, id string, body []byte) error {
	limit := w.Limit
	if limit == 0 {
		limit = answered
	}
	ctx, end := context.WithTimeout(ctx, limit)
	defer end()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.Address, bytes.NewReader(body))
	if err != nil {
		return withoutURL(err)
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	request.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	request.Header.Set("User-Agent", "bakelite")
	request.Header.Set("webhook-id", id)
	request.Header.Set("webhook-timestamp", at)
	request.Header.Set("webhook-signature", sign(w.Secret, id, at, body))
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		return withoutURL(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)) // the status says it all
	if answer.StatusCode/100 == 2 {
		return nil
	}
	later, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
	return &refusal{answer.StatusCode, time.Duration(min(max(0, later), int(maxLater/time.Second))) * time.Second}
}

// sign is the signature of Standard Webhooks, version 1: it holds for one body,
// one event and one time, so that none of them can be exchanged.
func sign(secret []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// withoutURL drops the address from an error, since it may be a secret.
func withoutURL(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
