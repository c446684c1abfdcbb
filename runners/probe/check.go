package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/limit"
)

const (
	// bodyLimit is how much of a page is searched for the wanted text.
	bodyLimit = 1 << 20
	// headerLimit bounds a response's headers.
	headerLimit = 64 << 10
	// shownLimit is how much of what was seen a detail repeats.
	shownLimit = 200
)

func checkHTTP(ctx context.Context, dial Dialer, c app.HTTPCheck, port int) (string, error) {
	transport := &http.Transport{
		DialContext: dial, DisableKeepAlives: true, DisableCompression: true,
		MaxResponseHeaderBytes: headerLimit,
	}
	defer transport.CloseIdleConnections()
	target, err := pageURL(c.Path, port)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return "", fmt.Errorf("asking for %q: %w", c.Path, err)
	}
	request.Header.Set("User-Agent", "bakelite-probe")
	response, err := transport.RoundTrip(request)
	if err != nil {
		return "", fmt.Errorf("asking for %s: %w", path(c), err)
	}
	defer response.Body.Close()
	body, err := limit.ReadAll(response.Body, bodyLimit, "the page")
	cut := errors.As(err, new(*limit.Error))
	if err != nil && !cut {
		return "", fmt.Errorf("reading the page %s: %w", path(c), err)
	}
	return judgePage(c, response.StatusCode, page{string(body), cut})
}

// page is what was read of a page.
type page struct {
	text string
	// cut says that the page is longer.
	cut bool
}

func (p page) String() string {
	if p.cut {
		return fmt.Sprintf("more than %d bytes", len(p.text))
	}
	return fmt.Sprintf("%d bytes", len(p.text))
}

func pageURL(path string, port int) (string, error) {
	if path == "" {
		path = "/"
	}
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("%q is not the path of a page", path)
	}
	u.Scheme, u.Host = "http", localhost(port)
	return u.String(), nil
}

func judgePage(c app.HTTPCheck, status int, body page) (string, error) {
	want := c.Status
	if want == 0 {
		want = http.StatusOK
	}
	if status != want {
		return "", fmt.Errorf("saw status %d, wanted %d", status, want)
	}
	if c.Contains != "" && !strings.Contains(body.text, c.Contains) {
		if body.cut {
			return "", fmt.Errorf("saw status %d and a page of %v, and no %q in the first %d, which are searched", status, body, c.Contains, bodyLimit)
		}
		return "", fmt.Errorf("saw status %d and a page of %v without %q: %q", status, body, c.Contains, shown(body.text))
	}
	return fmt.Sprintf("status %d, %v", status, body), nil
}

// checkTCP wants the connection to stay open for a moment: a forwarder in
// between may accept before the service refuses.
func checkTCP(ctx context.Context, dial Dialer, port int) (string, error) {
	conn, err := dial(ctx, "tcp", localhost(port))
	if err != nil {
		return "", fmt.Errorf("connecting to port %d: %w", port, err)
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(pause))
	n, err := conn.Read(make([]byte, 1))
	var timeout net.Error
	if n > 0 || err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Sprintf("port %d is open", port), nil
	}
	if errors.Is(err, io.EOF) {
		return "", fmt.Errorf("port %d was closed as soon as it was opened", port)
	}
	return "", fmt.Errorf("connecting to port %d: %w", port, err)
}

func checkCommand(ctx context.Context, run Execer, c app.CommandCheck) (string, error) {
	if run == nil {
		return "", errors.New("this artifact runs no commands")
	}
	exit, output, err := run(ctx, c.Run)
	if err != nil {
		return "", fmt.Errorf("running %s: %w", strings.Join(c.Run, " "), err)
	}
	return JudgeCommand(c, exit, output)
}

// JudgeCommand compares what a command did with what was wanted; the error
// says both.
func JudgeCommand(c app.CommandCheck, exit int, output []byte) (string, error) {
	if exit != c.Exit {
		return "", fmt.Errorf("saw exit code %d, wanted %d; output: %q", exit, c.Exit, shown(string(output)))
	}
	if !strings.Contains(string(output), c.Contains) {
		return "", fmt.Errorf("saw exit code %d and output without %q: %q", exit, c.Contains, shown(string(output)))
	}
	return fmt.Sprintf("exit code %d", exit), nil
}

func shown(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > shownLimit {
		return text[:shownLimit] + "…"
	}
	return text
}

func path(c app.HTTPCheck) string {
	if c.Path == "" {
		return "/"
	}
	return c.Path
}

func localhost(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
