package registry

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/bakelite/bakelite/internal/fault"
)

// remote is a repository of a registry that speaks the distribution
// specification 1.0 or 1.1.
type remote struct {
	repo    name.Repository
	options Options

	mu      sync.Mutex
	clients map[string]*http.Client // by scope
}

func newRemote(repo name.Repository, o Options) *remote {
	if o.Keychain == nil {
		o.Keychain = authn.DefaultKeychain
	}
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	o.FirstWait, o.MaxWait, o.Settle = cmp.Or(o.FirstWait, firstWait), cmp.Or(o.MaxWait, maxWait), cmp.Or(o.Settle, settle)
	return &remote{repo: repo, options: o, clients: map[string]*http.Client{}}
}

// newTransport waits long for an answer: a registry that stores in the cloud
// copies a large blob once more before it answers the last request.
func newTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   uploads,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 5 * time.Minute,
	}
}

func (r *remote) Name() string { return r.repo.Name() }

// client returns a client with credentials for a scope; one that may push may
// pull as well. A handshake that failed is made anew the next time.
func (r *remote) client(ctx context.Context, scope string) (*http.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, have := range []string{transport.PushScope, scope} {
		if c := r.clients[have]; c != nil {
			return c, nil
		}
	}
	credentials, err := authn.Resolve(ctx, r.options.Keychain, r.repo)
	if err != nil {
		return nil, fault.New(fault.Missing, "finding credentials for %s: %w", r.repo.RegistryStr(), err)
	}
	guarded := guard{next: r.options.Transport, plain: loopback(r.repo.RegistryStr())}
	authorised, err := transport.NewWithContext(ctx, r.repo.Registry, credentials, guarded, []string{r.repo.Scope(scope)})
	if err != nil {
		return nil, err
	}
	r.clients[scope] = &http.Client{Transport: authorised}
	return r.clients[scope], nil
}

// url returns the address of something in the repository.
func (r *remote) url(format string, args ...any) string {
	return fmt.Sprintf("%s://%s/v2/%s/%s", r.repo.Scheme(), r.repo.RegistryStr(), r.repo.RepositoryStr(), fmt.Sprintf(format, args...))
}

// errPlain is why a request was not made.
var errPlain = fault.Hint(fault.New(fault.Policy, "plain HTTP to another machine is refused"), "give the registry a certificate, or bring it to this machine: ssh -L 5000:REGISTRY:PORT HOST, and name localhost:5000")

// guard refuses plain HTTP, which go-containerregistry tries for private
// addresses and which a redirect can lead to, and keeps what a registry says
// about when to come back.
type guard struct {
	next  http.RoundTripper
	plain bool
}

func (g guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" && !g.plain {
		return nil, errPlain
	}
	resp, err := g.next.RoundTrip(req)
	if err == nil {
		noteRetryAfter(req.Context(), resp)
	}
	return resp, err
}

// loopback says whether a host, with or without a port, is this machine.
func loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
