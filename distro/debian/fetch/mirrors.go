// Package fetch gets the files of archives: the mirrors that are asked for them,
// in order, and the cache that keeps them by their content.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/distro/debian/content"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/retry"
)

const (
	// baseTimeout and slowest bound one try: a fixed time, and the time that
	// the file takes at the slowest accepted speed, in bytes a second.
	baseTimeout = time.Minute
	slowest     = 64 << 10
	// maxRedirects bounds redirects of one request.
	maxRedirects = 5
)

// asking is how often a mirror is asked for a file before the next one is.
func asking() retry.Plan {
	return retry.Plan{Attempts: 3, First: 250 * time.Millisecond, Max: time.Second}
}

// errPermanent marks an answer that the same mirror would give again.
var errPermanent = errors.New("the mirror does not have it")

func newHTTPClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true
	t.ResponseHeaderTimeout = 30 * time.Second
	t.RegisterProtocol("file", http.NewFileTransport(http.Dir("/")))
	return &http.Client{Transport: t, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects || next.URL.Scheme != "http" && next.URL.Scheme != "https" {
			return fmt.Errorf("%w: it redirects too often or to %s", errPermanent, next.URL.Scheme)
		}
		if via[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
			return fmt.Errorf("%w: it redirects from https to http", errPermanent)
		}
		return nil
	}}
}

// Mirrors serve archives. They are safe for concurrent use.
type Mirrors struct {
	urls   map[string][]string
	report func(error)
	http   *http.Client
}

// NewMirrors returns the mirrors at the base URLs (http, https, file) of each
// archive by the archive's name, best first. Report is told of each failure that
// another mirror made good.
func NewMirrors(urls map[string][]string, report func(error)) *Mirrors {
	return &Mirrors{urls: urls, report: report, http: newHTTPClient()}
}

// of returns the base URLs of an archive, or a fault.Missing.
func (m *Mirrors) of(name string) ([]string, error) {
	if urls := m.urls[name]; len(urls) > 0 {
		return urls, nil
	}
	return nil, fault.Hint(fault.New(fault.Missing, "no mirror is known for the archive %q", name),
		"Set mirrors.%s to the base URL of a mirror (http, https or file); by default the machine's own apt sources are used.", name)
}

// Request is one file of an archive.
type Request struct {
	// Archive is the archive's name.
	Archive string
	// Path is below the archive's root.
	Path string
	// Size bounds the time of a try, in bytes.
	Size int64
	// Gone is the hint for a file that no mirror has; it may be empty.
	Gone string
	// Held is what the cache holds of a file that may have changed, or nil.
	Held *Held
}

// Get hands the file's content to accept, from the first mirror whose
// content accept takes. Mirrors are tried in order; failures that another
// mirror made good are reported. An archive without mirrors is a fault.Missing,
// content that is not the wanted one a fault.Integrity, and all else a
// fault.Network or the context's end.
func (m *Mirrors) Get(ctx context.Context, q Request, accept func(io.Reader) error) error {
	urls, err := m.of(q.Archive)
	if err != nil {
		return err
	}
	var failures []error
	for _, base := range urls {
		err := m.getFrom(ctx, base, q, accept)
		if err == nil {
			for _, failure := range failures {
				m.report(failure)
			}
			return nil
		}
		switch ctx.Err() {
		case context.Canceled:
			return fault.New(fault.Cancelled, "downloading %s: %w", q.Path, ctx.Err())
		case context.DeadlineExceeded:
			return fault.New(fault.Network, "downloading %s: %w", q.Path, ctx.Err())
		}
		failures = append(failures, fmt.Errorf("%s: %w", strings.TrimRight(base, "/"), err))
	}
	return unavailable(q, failures)
}

// unavailable joins what all mirrors said. A wrong content weighs more than
// an unreachable mirror.
func unavailable(q Request, failures []error) error {
	err := fmt.Errorf("downloading %s of the archive %q: %w", q.Path, q.Archive, errors.Join(failures...))
	for _, failure := range failures {
		if kind := fault.KindOf(failure); errors.Is(failure, content.ErrMismatch) || kind == fault.Integrity {
			return fault.Hint(fault.New(fault.Integrity, "%w", err),
				"The mirror is damaged, stale or not to be trusted: try again later, or set mirrors.%s to another one. The cache still holds the last good state.", q.Archive)
		}
	}
	other := func(failure error) bool { return !errors.Is(failure, errPermanent) }
	if q.Gone != "" && !slices.ContainsFunc(failures, other) {
		return fault.Hint(fault.New(fault.Network, "%w", err), "%s", q.Gone)
	}
	return fault.Hint(fault.New(fault.Network, "%w", err), "Check the network and the setting mirrors.%s. The cache still holds the last good state.", q.Archive)
}

func (m *Mirrors) getFrom(ctx context.Context, base string, q Request, accept func(io.Reader) error) error {
	at := strings.TrimRight(base, "/") + "/" + (&url.URL{Path: q.Path}).EscapedPath()
	return asking().Do(ctx, func(ctx context.Context) error { return m.getOnce(ctx, at, q, accept) },
		func(err error) (time.Duration, bool) {
			return 0, !errors.Is(err, errPermanent) && !errors.Is(err, content.ErrMismatch) && fault.KindOf(err) != fault.Integrity
		})
}

func (m *Mirrors) getOnce(ctx context.Context, url string, q Request, accept func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, baseTimeout+time.Duration(q.Size/slowest)*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errPermanent, err)
	}
	q.Held.ask(request)
	response, err := m.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusOK:
		return q.Held.note(url, response, accept)
	case response.StatusCode == http.StatusNotModified && q.Held.asked(url):
		return q.Held.again(url, accept)
	case response.StatusCode >= 400 && response.StatusCode < 500 && response.StatusCode != http.StatusTooManyRequests:
		return fmt.Errorf("%w: %s", errPermanent, response.Status)
	default:
		return fmt.Errorf("the mirror answered %s", response.Status)
	}
}
