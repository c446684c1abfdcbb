package registry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// request is one request of the distribution specification.
type request struct {
	method, url, scope string
	header             http.Header
	body               io.Reader
	size               int64
	want               []int // status codes
}

// do makes one attempt; the caller closes the body. A status that is not
// wanted is a *transport.Error.
func (r *remote) do(ctx context.Context, q request) (*http.Response, error) {
	client, err := r.client(ctx, q.scope)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, q.method, q.url, q.body)
	if err != nil {
		return nil, fault.New(fault.Internal, "making request: %w", err)
	}
	if q.header != nil {
		req.Header = q.header
	}
	if q.body != nil {
		req.ContentLength = q.size
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if slices.Contains(q.want, resp.StatusCode) {
		return resp, nil
	}
	defer resp.Body.Close()
	resp.Body = io.NopCloser(io.LimitReader(resp.Body, maxRefusal))
	return nil, transport.CheckError(resp, q.want...)
}

// ask makes a request as often as needed and reads an answer of at most max
// bytes.
func (r *remote) ask(ctx context.Context, max int64, q request, content []byte) (resp *http.Response, answer []byte, err error) {
	err = r.retry(ctx, func(ctx context.Context) error {
		if content != nil {
			q.body, q.size = bytes.NewReader(content), int64(len(content))
		}
		if resp, err = r.do(ctx, q); err != nil {
			return err
		}
		defer resp.Body.Close()
		answer, err = limit.ReadAll(resp.Body, max, fmt.Sprintf("answer of %s", r.repo))
		return wrapLimit(err)
	})
	return resp, answer, err
}
