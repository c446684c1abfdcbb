package sigstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	bundlev1 "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore-go/pkg/sign"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/retry"
)

const (
	// attemptTime bounds one attempt, answer included.
	attemptTime = 30 * time.Second
	// maxAnswer bounds an answer of Fulcio, a timestamp authority or GitHub,
	// in bytes.
	maxAnswer = 1 << 20
)

// asking is how often a service is asked before it counts as out of reach.
func asking() retry.Plan {
	return retry.Plan{Attempts: 4, First: 500 * time.Millisecond, Max: 2 * time.Second}
}

// always says that any failure may pass.
func always(error) (time.Duration, bool) { return 0, true }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// retrying returns a transport that asks a service again while it fails, and
// gives up with a fault.Network. It listens to ctx, which sigstore-go's
// clients do not pass on, and reads answers whole.
func retrying(ctx context.Context, service string) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		var response *http.Response
		err := asking().Do(ctx, func(ctx context.Context) (err error) {
			response, err = attempt(ctx, request)
			if err == nil && (response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests) {
				err = errors.New(response.Status)
			}
			return err
		}, always)
		switch {
		case err == nil:
			return response, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		return nil, fault.New(fault.Network, "%s did not answer %d times: %w", service, asking().Attempts, err)
	})
}

func attempt(ctx context.Context, request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	again := request.Clone(ctx)
	if request.GetBody != nil {
		body, err := request.GetBody()
		if err != nil {
			return nil, err
		}
		again.Body = body
	}
	response, err := http.DefaultTransport.RoundTrip(again)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := limit.ReadAll(response.Body, maxAnswer, "the answer")
	response.Body = io.NopCloser(bytes.NewReader(text))
	return response, err
}

// retryingLog asks a transparency log again while it fails. The log's clients
// give no status, so a refusal is asked again as well.
type retryingLog struct{ log sign.Transparency }

// GetTransparencyLogEntry adds the log's entry to b.
func (l retryingLog) GetTransparencyLogEntry(ctx context.Context, pem []byte, b *bundlev1.Bundle) error {
	err := asking().Do(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, attemptTime)
		defer cancel()
		return l.log.GetTransparencyLogEntry(ctx, pem, b)
	}, always)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fault.New(fault.Network, "the transparency log did not answer %d times: %w", asking().Attempts, withoutURL(err))
}

// withoutURL drops an address from an error, since its query may hold a token.
func withoutURL(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return fmt.Errorf("%s: %w", at.Op, at.Err)
	}
	return err
}

// private says whether what is sent to u cannot be read on the way: https, or
// this machine.
func private(u *url.URL) bool {
	host := net.ParseIP(u.Hostname())
	return u.Host != "" && (u.Scheme == "https" ||
		u.Scheme == "http" && (u.Hostname() == "localhost" || host != nil && host.IsLoopback()))
}
