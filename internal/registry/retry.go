package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/retry"
)

// retry makes an attempt again, from its start, while what fails may pass:
// a busy or broken server and a cut connection.
func (r *remote) retry(ctx context.Context, attempt func(context.Context) error) error {
	asked := &retryAfter{}
	plan := retry.Plan{Attempts: attempts, First: r.options.FirstWait, Max: r.options.MaxWait}
	err := plan.Do(ctx, func(ctx context.Context) error {
		*asked = retryAfter{}
		return attempt(context.WithValue(ctx, retryAfterKey{}, asked))
	}, func(err error) (time.Duration, bool) { return min(asked.pause, r.options.MaxWait), passing(err) })
	return r.explain(ctx, err)
}

type retryAfterKey struct{}

// retryAfter is the pause that a registry asked for last.
type retryAfter struct{ pause time.Duration }

// noteRetryAfter keeps the header of RFC 9110, 10.2.3: seconds or a date.
func noteRetryAfter(ctx context.Context, resp *http.Response) {
	asked, ok := ctx.Value(retryAfterKey{}).(*retryAfter)
	header := resp.Header.Get("Retry-After")
	if !ok || header == "" {
		return
	}
	if seconds, err := strconv.Atoi(header); err == nil && seconds >= 0 {
		asked.pause = time.Duration(min(seconds, int(maxWait/time.Second))) * time.Second
	} else if date, err := http.ParseTime(header); err == nil {
		asked.pause = time.Until(date)
	}
}

// passing says whether the same request may succeed later.
func passing(err error) bool {
	var refused *transport.Error
	if errors.As(err, &refused) {
		return passingStatus(refused)
	}
	var known *fault.Error
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &known) || errors.As(err, &certificate) {
		return false
	}
	var asked *url.Error // is itself a net.Error, whatever went wrong
	if errors.As(err, &asked) {
		return passing(asked.Err)
	}
	var unknown *net.DNSError
	if errors.As(err, &unknown) && unknown.IsNotFound {
		return false
	}
	var broken net.Error
	return errors.As(err, &broken) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)
}

func passingStatus(refused *transport.Error) bool {
	for _, d := range refused.Errors {
		// an upload that the registry forgot or lost a part of starts anew
		if d.Code == transport.BlobUploadUnknownErrorCode || d.Code == transport.BlobUploadInvalidErrorCode {
			return true
		}
	}
	return slices.Contains([]int{
		http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	}, refused.StatusCode)
}

// explain classifies what a registry said and tells the user what to do.
func (r *remote) explain(ctx context.Context, err error) error {
	var known *fault.Error
	if err == nil || errors.As(err, &known) || ctx.Err() != nil {
		return err
	}
	host := r.repo.RegistryStr()
	var refused *transport.Error
	if errors.As(err, &refused) && slices.ContainsFunc(refused.Errors, func(d transport.Diagnostic) bool { return d.Code == transport.DigestInvalidErrorCode }) {
		return fault.New(fault.Integrity, "registry of %s: %w", r.repo, err)
	}
	err = fault.New(fault.Network, "registry of %s: %w", r.repo, err)
	if refused == nil {
		return fault.Hint(err, "check that %s is there, then run the same command again", host)
	}
	switch refused.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fault.Hint(err, "log in first: docker login %s", host)
	case http.StatusTooManyRequests:
		return fault.Hint(err, "%s limits how often it is asked: run the same command again later", host)
	default:
		return fault.Hint(err, "check that %s is there, then run the same command again", host)
	}
}
