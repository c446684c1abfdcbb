package stepnet

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"

	"github.com/bakelite/bakelite/internal/fault"
)

const (
	proxyPort = 3128 // the one that Squid made usual
	// headerTimeout bounds how long a request's head may take.
	headerTimeout = 30 * time.Second
	// maxHead bounds a request's head in bytes.
	maxHead = 64 << 10
)

// Env returns the variables that name the proxy to a step, nil where this
// machine uses none. They hold no password: this process adds it.
func (n *Network) Env() []string {
	if n.proxy == nil {
		return nil
	}
	at := fmt.Sprintf("http://%s", netip.AddrPortFrom(gatewayAddrs[0], proxyPort))
	var env []string
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		env = append(env, name+"="+at)
	}
	return append(env, "NO_PROXY=localhost,127.0.0.1,::1", "no_proxy=localhost,127.0.0.1,::1")
}

// serveProxy answers as an HTTP proxy that goes through those of this machine.
func (n *Network) serveProxy(ctx context.Context) error {
	listener, err := gonet.ListenTCP(n.stack, at(proxyPort), ipv4.ProtocolNumber)
	if err != nil {
		return fmt.Errorf("listening as a proxy: %w", err)
	}
	relay := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.Host = r.In.Host },
		Transport: roundTripper(n.roundTrip()),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), refusalStatus(err))
		},
	}
	n.proxy = &http.Server{
		ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: maxHead, BaseContext: func(net.Listener) context.Context { return ctx },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			done, ok := n.begin()
			if !ok {
				return
			}
			defer done()
			switch {
			case r.Method == http.MethodConnect:
				n.tunnel(ctx, w, r)
			case r.URL.Host == "":
				http.Error(w, "this is a proxy", http.StatusBadRequest)
			default:
				relay.ServeHTTP(w, r)
			}
		}),
	}
	go func() { _ = n.proxy.Serve(listener) }() // Close ends it
	return nil
}

func refusalStatus(err error) int {
	if fault.KindOf(err) == fault.Policy {
		return http.StatusForbidden
	}
	return http.StatusBadGateway
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// roundTrip returns what fetches a page: through this machine's proxy, or
// directly where it has none for that page.
func (n *Network) roundTrip() func(*http.Request) (*http.Response, error) {
	direct := &http.Transport{DialContext: n.dialer().DialContext, DisableCompression: true, DisableKeepAlives: true}
	proxied := &http.Transport{Proxy: n.options.Proxy, DisableCompression: true, DisableKeepAlives: true}
	return func(r *http.Request) (*http.Response, error) {
		proxy, err := n.options.Proxy(r)
		if err == nil && proxy == nil {
			return direct.RoundTrip(r)
		}
		if err == nil {
			err = n.judge(r.Context(), r.URL.Hostname())
		}
		if err != nil {
			return nil, err
		}
		return proxied.RoundTrip(r)
	}
}

// dialer connects to what names mean, where that is in the step's reach.
func (n *Network) dialer() *net.Dialer {
	return &net.Dialer{Timeout: dialTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !n.options.Reach.Allows(to.Addr()) {
			return outOfReach(address)
		}
		return nil
	}}
}

// judge refuses a host that is out of reach as far as this machine can tell:
// what a name means to a proxy is the proxy's to say.
func (n *Network) judge(ctx context.Context, host string) error {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if a, aerr := netip.ParseAddr(host); aerr == nil {
		addrs, err = []netip.Addr{a}, nil
	}
	if err != nil {
		return nil //nolint:nilerr // the proxy may know the name
	}
	for _, a := range addrs {
		if !n.options.Reach.Allows(a) {
			return outOfReach(host)
		}
	}
	return nil
}

func outOfReach(host string) error {
	return fault.New(fault.Policy, "%s is out of a step's reach", host)
}
