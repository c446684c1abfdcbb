package registry_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
)

func TestOpen(t *testing.T) {
	hash := digest.FromString("x").String()
	for _, tt := range []struct{ ref, name, at string }{
		{"registry.example.com/team/web", "registry.example.com/team/web", ""},
		{"registry.example.com:5000/web", "registry.example.com:5000/web", ""},
		{"registry.example.com:5000/web:1.0", "registry.example.com:5000/web", "1.0"},
		{"registry.example.com/web@" + hash, "registry.example.com/web", hash},
		{"registry.example.com/web:1.0@" + hash, "registry.example.com/web", hash},
		{"oci:out/web", "oci:out/web", ""},
		{"oci:./out/web:1.0", "oci:out/web", "1.0"},
		{"oci:/a:b/web", "oci:/a:b/web", ""},
		{"oci:/out@" + hash, "oci:/out", hash},
	} {
		s, at, err := registry.Open(tt.ref, registry.Options{})
		if err != nil || s.Name() != tt.name || at != tt.at {
			t.Errorf("%s: got %v, %q and %v, want %s and %q", tt.ref, s, at, err, tt.name, tt.at)
		}
	}
	for _, ref := range []string{"", "not a name", "oci:", "oci::x", "registry.example.com/web@sha256:12", "registry.example.com/web:-x", "registry.example.com/web@sha512:" + strings.Repeat("a", 128)} {
		if _, _, err := registry.Open(ref, registry.Options{}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: got %v, want an invalid input", ref, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, ref := range []string{"a/b:c", "oci:x@sha256:", "oci:a:b:c", "@", ":", "a@b@c"} {
		f.Add(ref)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		s, at, err := registry.Open(ref, registry.Options{})
		if err == nil && (s.Name() == "" || strings.ContainsAny(at, "/ ")) {
			t.Errorf("%q: got %q and %q", ref, s.Name(), at)
		}
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: got %v, want an invalid input", ref, err)
		}
	})
}

// redirect sends requests for any host to a server.
type redirect struct {
	to    string
	plain atomic.Int64
}

func (r *redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "http" {
		return nil, errors.New("there is no TLS here")
	}
	r.plain.Add(1)
	req = req.Clone(req.Context())
	req.URL.Host = r.to
	return http.DefaultTransport.RoundTrip(req)
}

// Plain HTTP reaches no other machine, even where the library would try it.
func TestPlainHTTPStaysOnThisMachine(t *testing.T) {
	host := registrytest.Serve(t, registrytest.Memory(), nil)
	for name, want := range map[string]bool{
		"192.168.7.7:5000": false, "10.0.0.1": false, "registry.local": false, "registry.example.com": false,
		"localhost.example.com:5000": false, "localhost:5000": true, "127.0.0.1:5000": true, "[::1]:5000": true,
	} {
		to := &redirect{to: host}
		o := registrytest.Fast()
		o.Transport = to
		_, err := registry.Resolve(t.Context(), registrytest.Open(t, name+"/web", o), "latest")
		if reached := to.plain.Load() > 0; reached != want || want != errors.Is(err, registry.ErrNotFound) {
			t.Errorf("%s: asked in plain HTTP: %t (%v)", name, reached, err)
		}
	}
}

// A registry that sends readers on in plain HTTP is not followed.
func TestRedirectToPlainHTTP(t *testing.T) {
	handler := registrytest.Memory()
	plain := registrytest.Serve(t, handler, nil)
	c := image(t, "hello")
	if err := put(t.Context(), registrytest.Open(t, plain+"/web", registrytest.Fast()), c); err != nil {
		t.Fatal(err)
	}
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			http.Redirect(w, r, "http://"+plain+r.URL.Path, http.StatusTemporaryRedirect)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(secure.Close)
	o := registrytest.Fast()
	transport := secure.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = dialer(strings.TrimPrefix(secure.URL, "https://"), plain)
	o.Transport = transport
	_, err := registry.Pull(t.Context(), registrytest.Open(t, "example.com/web", o), registry.PullOptions{Digest: c.manifest.Digest, Layout: filepath.Join(t.TempDir(), "to")})
	if fault.KindOf(err) != fault.Policy || !strings.Contains(err.Error(), "plain HTTP") {
		t.Errorf("got %v, want that it is refused", err)
	}
}

type keychain struct{ user, password string }

func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig{Username: k.user, Password: k.password}), nil
}

func TestCredentials(t *testing.T) {
	handler := registrytest.Memory()
	host := registrytest.Serve(t, handler, func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		user, password, _ := r.BasicAuth()
		if user == "baker" && password == "secret" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "no")
		return true
	})
	c := image(t, "hello")
	o := registrytest.Fast()
	o.Keychain = keychain{"baker", "secret"}
	if err := put(t.Context(), registrytest.Open(t, host+"/web", o), c, "latest"); err != nil {
		t.Error(err)
	}
	o.Keychain = keychain{"baker", "hunter2"}
	err := put(t.Context(), registrytest.Open(t, host+"/web", o), c, "latest")
	if fault.KindOf(err) != fault.Network || !strings.Contains(fault.HintOf(err), "docker login "+host) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v (%s), want a hint to log in and no password", err, fault.HintOf(err))
	}
}

// dialer reaches one server by its address and another one by any other name.
func dialer(other, plain string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != plain {
			address = other
		}
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}
}
