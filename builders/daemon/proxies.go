package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/bakelite/bakelite/internal/limit"
)

// proxyNames are the variables that net/http and git read.
var proxyNames = []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}

// maxProxies bounds what the daemon is handed, in bytes.
const maxProxies = 1 << 20

// secretProxies returns the variables that hold a password, for useProxies.
func secretProxies(lookup func(string) (string, bool)) (io.Reader, error) {
	secret := map[string]string{}
	for _, name := range proxyNames {
		if value, _ := lookup(name); withoutUser(value) != value {
			secret[name] = value
		}
	}
	text, err := json.Marshal(secret)
	return bytes.NewReader(text), err
}

// withoutUser takes name and password out of a proxy's address.
func withoutUser(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		return address[strings.LastIndex(address, "@")+1:]
	}
	return scheme + "://" + rest[strings.LastIndex(rest, "@")+1:]
}

// useProxies has this process go through the proxies that secretProxies
// wrote. Their passwords are in the environment only until net/http has read
// it, which it does once: the programs that the daemon starts inherit none.
func useProxies(from io.Reader) error {
	var secret map[string]string
	if err := json.NewDecoder(limit.Reader(from, maxProxies, "the proxies")).Decode(&secret); err != nil {
		return fmt.Errorf("reading proxies: %w", err)
	}
	for name, value := range secret {
		plain := os.Getenv(name)
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
		defer func() { _ = os.Setenv(name, plain) }()
	}
	// An address that is none is told of with the first request.
	_, _ = http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: "any.invalid"}})
	return nil
}
