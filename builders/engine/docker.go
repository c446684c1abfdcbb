package engine

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/worker/label"

	"github.com/bakelite/bakelite/builders/daemon"
)

// defaultDockerHost is where Docker's daemon listens unless told otherwise
// (docs.docker.com/reference/cli/dockerd).
const defaultDockerHost = "unix:///var/run/docker.sock"

// docker connects to the BuildKit inside Docker's daemon, where one answers
// and can do what Bakelite needs. Where one answers that can't, it returns
// why.
func docker(ctx context.Context, host string) (*Engine, []string) {
	network, address, ok := dockerAddress(host)
	if !ok || network == "unix" && !isSocket(address) {
		return nil, nil
	}
	d := dockerDialer{network: network, address: address}
	c, err := daemon.Dial(ctx, "unix:///docker",
		client.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return d.upgrade(ctx, "/grpc", "h2c", nil)
		}),
		client.WithSessionDialer(func(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
			return d.upgrade(ctx, "/session", proto, meta)
		}))
	if err != nil {
		return nil, []string{fmt.Sprintf("Docker at %s: %s", address, withoutNoise(err))}
	}
	workers, err := c.ListWorkers(ctx)
	reason := dockerLacks(workers)
	if err != nil {
		reason = withoutNoise(err)
	}
	if reason != "" {
		_ = c.Close()
		return nil, []string{fmt.Sprintf("Docker at %s: %s", address, reason)}
	}
	return &Engine{client: c, Origin: "Docker at " + address}, nil
}

// dockerAddress reads a DOCKER_HOST. Addresses that need a key or a program
// (ssh, TLS) are the user's to give to Bakelite in the form of BuildKit.
func dockerAddress(host string) (network, address string, ok bool) {
	if host == "" {
		host = defaultDockerHost
	}
	network, address, ok = strings.Cut(host, "://")
	return network, address, ok && (network == "unix" || network == "tcp") && address != ""
}

// dockerLacks says why a Docker can't be used, or "". Only with the
// containerd image store does Docker's BuildKit export and read OCI layouts;
// its workers name their snapshotter then, as buildx also looks for
// (driver/docker/driver.go).
func dockerLacks(workers []*client.WorkerInfo) string {
	for _, w := range workers {
		if w.Labels[label.Snapshotter] != "" {
			return ""
		}
	}
	return "it can't export OCI images without the containerd image store"
}

// dockerDialer opens streams through the HTTP upgrade of Docker's API.
type dockerDialer struct{ network, address string }

// upgrade posts to a path and returns the connection that the answer turns
// into a stream of the wanted protocol.
func (d dockerDialer) upgrade(ctx context.Context, path, proto string, meta map[string][]string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, d.network, d.address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	reader, err := shakeHands(conn, path, proto, meta)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("asking Docker for %s: %w", path, err)
	}
	return &upgraded{Conn: conn, reader: reader}, nil
}

func shakeHands(conn net.Conn, path, proto string, meta map[string][]string) (*bufio.Reader, error) {
	request := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Scheme: "http", Host: "docker", Path: path}, Host: "docker", Header: http.Header{},
	}
	for name, values := range meta {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", proto)
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		_ = response.Body.Close()
		return nil, fmt.Errorf("unexpected answer %s", response.Status)
	}
	return reader, nil
}

// upgraded is a connection whose first bytes may wait in a buffer.
type upgraded struct {
	net.Conn
	reader *bufio.Reader
}

func (u *upgraded) Read(p []byte) (int, error) { return u.reader.Read(p) }
