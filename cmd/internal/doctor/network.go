package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/limit"
)

const (
	// mirrorTime bounds one request.
	mirrorTime = 15 * time.Second
	// maxInRelease bounds a signed index, in bytes; the largest of Debian's
	// are below 300 KB.
	maxInRelease = 4 << 20
	// maxSkew is how far the clock may be from a mirror's. Debian's signed
	// indexes are at least 6 hours apart, and caches on the way date their
	// answers late.
	maxSkew = time.Hour
)

// written is before Bakelite's first release: no right clock shows less.
var written = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// mirrorsOf asks each mirror of an archive for the signed index of a suite.
func mirrorsOf(archive, suite string) func(context.Context, Options) finding {
	return func(ctx context.Context, o Options) finding {
		mirrors := o.Mirrors[archive]
		if len(mirrors) == 0 {
			return missing("no mirror is known: not from settings, not from the machine's apt sources",
				fmt.Sprintf("name one with --mirror %s=URL or in bakelite.yaml", archive))
		}
		var failures []error
		for _, base := range mirrors {
			if _, err := index(ctx, base, suite); err != nil {
				failures = append(failures, fmt.Errorf("%s: %w", shown(base), err))
			}
		}
		return reached(len(mirrors), failures, archive)
	}
}

func reached(all int, failures []error, archive string) finding {
	mend := fmt.Sprintf("check the network, or name another mirror with --mirror %s=URL", archive)
	switch {
	case len(failures) == 0:
		return ok(fmt.Sprintf("%d of %d mirrors answer", all, all))
	case len(failures) < all:
		return warn(fmt.Sprintf("%d of %d mirrors answer: %s", all-len(failures), all, errors.Join(failures...)), mend)
	}
	return missing("no mirror answers: "+errors.Join(failures...).Error(), mend)
}

// index fetches a suite's signed index and returns when the mirror says that
// it answered, or the zero time.
func index(ctx context.Context, base, suite string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, mirrorTime)
	defer cancel()
	target := strings.TrimRight(base, "/") + "/dists/" + suite + "/InRelease"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return time.Time{}, err
	}
	client := newClient()
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return time.Time{}, inner(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return time.Time{}, fmt.Errorf("answered %s", response.Status)
	}
	_, err = io.Copy(io.Discard, limit.Reader(response.Body, maxInRelease, "the signed index"))
	return dated(response.Header), err
}

func newClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.RegisterProtocol("file", http.NewFileTransport(http.Dir("/")))
	return &http.Client{Transport: t}
}

// inner drops the method and the whole address from a client's error.
func inner(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// dated reads the date of an answer and how long a cache has held it since
// (RFC 9111, section 5.1).
func dated(h http.Header) time.Time {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	age, err := strconv.Atoi(h.Get("Age"))
	if err != nil || age < 0 {
		return date
	}
	return date.Add(time.Duration(age) * time.Second)
}

// shown hides a password in a URL.
func shown(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "(not a URL)"
	}
	return u.Redacted()
}

const mendClock = "sudo timedatectl set-ntp true"

func clock(ctx context.Context, o Options) finding {
	now := o.Now()
	if now.Before(written) {
		return missing(now.UTC().Format(time.RFC3339)+" is in the past", mendClock)
	}
	for _, base := range o.Mirrors["debian"] {
		theirs, err := index(ctx, base, "trixie")
		if err != nil || theirs.IsZero() {
			continue
		}
		if skew := o.Now().Sub(theirs); skew.Abs() > maxSkew {
			return warn(fmt.Sprintf("%s away from a mirror's clock", skew.Round(time.Minute)), mendClock)
		}
		return ok("as a mirror's, within " + maxSkew.String())
	}
	return ok(now.UTC().Format(time.RFC3339) + ", not compared: no mirror told its time")
}
