package stepnet

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const password = "not-for-steps"

// upstream is a proxy of the machine, on its loopback and with a password. It
// knows the name inner.test, which nobody else does.
func upstream(t *testing.T) *url.URL {
	t.Helper()
	inner := echo(t, private)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization"))
		switch _, given, _ := r.BasicAuth(); {
		case given != password:
			w.WriteHeader(http.StatusProxyAuthRequired)
		case r.Method != http.MethodConnect:
			fmt.Fprintf(w, "the proxy got %s", r.URL)
		default:
			out, err := net.Dial("tcp", inner)
			if err != nil {
				t.Error(err)
				return
			}
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			splice(t.Context(), conn.(*net.TCPConn), out.(*net.TCPConn))
		}
	}))
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	at.User = url.UserPassword("bakelite", password)
	return at
}

// throughProxy opens a network of a machine that has a proxy for all but
// direct.test, and a client of a step that goes through what Env names.
func throughProxy(t *testing.T, reach Reach) (*Network, *http.Client) {
	t.Helper()
	at := upstream(t)
	n := open(t, Options{Reach: reach, Proxy: func(r *http.Request) (*url.URL, error) {
		if host := r.URL.Hostname(); host == public || host == metadata {
			return nil, nil
		}
		return at, nil
	}})
	named := map[string]string{}
	for _, entry := range n.Env() {
		name, value, _ := strings.Cut(entry, "=")
		named[name] = value
	}
	if strings.Contains(strings.Join(n.Env(), " "), password) || named["http_proxy"] == "" || named["http_proxy"] != named["HTTPS_PROXY"] {
		t.Errorf("a step is told %v", n.Env())
	}
	to, err := url.Parse(named["http_proxy"])
	if err != nil {
		t.Fatal(err)
	}
	return n, &http.Client{Timeout: 10 * time.Second, Transport: &stepTransport{t, n, to}}
}

// stepTransport fetches a page from inside the step, through its proxy.
type stepTransport struct {
	t  *testing.T
	n  *Network
	to *url.URL
}

func (s *stepTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := dialAs(s.t, s.n, "tcp", s.to.Host)
	if err != nil {
		return nil, err
	}
	if err := r.WriteProxy(c); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(c), r)
}

func fetch(t *testing.T, c *http.Client, page string) (int, string) {
	t.Helper()
	response, err := c.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(body)
}

// TestProxyOfTheMachine: a step uses the machine's proxies, although they are
// out of its reach and it knows no password.
func TestProxyOfTheMachine(t *testing.T) {
	n, client := throughProxy(t, reach())
	if status, body := fetch(t, client, "http://inner.test/page"); status != http.StatusOK || body != "the proxy got http://inner.test/page" {
		t.Errorf("a page through the proxy: %d %s", status, body)
	}
	c := tunnelTo(t, n, "inner.test:443", http.StatusOK)
	if err := roundTrip(c, 1<<20); err != nil {
		t.Errorf("a tunnel: %v", err)
	}
	direct := strings.TrimPrefix(echo(t, public), "http://")
	if err := roundTrip(tunnelTo(t, n, direct, http.StatusOK), 1<<10); err != nil {
		t.Errorf("a tunnel past the proxy: %v", err)
	}
}

// TestProxyAsAWayAround: by way of the proxy no address comes into reach.
func TestProxyAsAWayAround(t *testing.T) {
	n, client := throughProxy(t, reach())
	for _, host := range []string{"127.0.0.1", "localhost", metadata, private, "[::ffff:10.9.8.7]"} {
		if status, body := fetch(t, client, "http://"+host+"/latest/meta-data"); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", host, status, body)
		}
		tunnelTo(t, n, host+":22", http.StatusForbidden)
	}
}

// tunnelTo asks the step's proxy for a tunnel.
func tunnelTo(t *testing.T, n *Network, target string, want int) net.Conn {
	t.Helper()
	c, err := dialAs(t, n, "tcp", fmt.Sprintf("%s:%d", Nameserver(), proxyPort))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", target)
	head := make([]byte, 12)
	if _, err := io.ReadFull(c, head); err != nil || string(head) != fmt.Sprintf("HTTP/1.1 %d", want) {
		t.Errorf("tunnel to %s: %q (%v)", target, head, err)
		return c
	}
	for last := [4]byte{}; string(last[:]) != "\r\n\r\n"; {
		copy(last[:], last[1:])
		if _, err := c.Read(last[3:]); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// TestNoProxy: a machine without proxies tells steps of none.
func TestNoProxy(t *testing.T) {
	n := open(t, Options{})
	if n.Env() != nil {
		t.Errorf("a step is told %v", n.Env())
	}
	if _, err := dialAs(t, n, "tcp", fmt.Sprintf("%s:%d", Nameserver(), proxyPort)); err == nil {
		t.Error("something answers as a proxy")
	}
}
