package engine

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/moby/buildkit/client"
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer" // docker-container:// addresses
	_ "github.com/moby/buildkit/client/connhelper/kubepod"         // kube-pod:// addresses
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer" // podman-container:// addresses
	_ "github.com/moby/buildkit/client/connhelper/ssh"             // ssh:// addresses
	"github.com/sirupsen/logrus"

	"github.com/bakelite/bakelite/internal/fault"
)

// Options says which engine to use.
type Options struct {
	// Address of a BuildKit that the user runs; "" finds or starts one.
	Address string
	// State is Bakelite's state folder; the own engine lives below it.
	State string
	// Idle is how long an own engine outlives its last command.
	Idle time.Duration
	// Networks are what steps on an own engine reach besides public addresses.
	Networks []netip.Prefix
	// UnconfinedNetwork lets steps with a network run on an engine that is not
	// an own one, in whatever network it gives them.
	UnconfinedNetwork bool
}

// Engine is a BuildKit that answers.
type Engine struct {
	client  *client.Client
	options Options
	own     bool
	// Origin says where the engine came from, for people.
	Origin string
	// Skipped says which engines of this machine answered and why each could
	// not be used.
	Skipped []string
}

// Open returns an engine: the one at the address given, else one that runs
// on this machine, else Docker's, else the own one, started where it does not
// run yet. An address given that does not answer is fault.Network; a program
// that an own engine lacks is fault.Missing.
func Open(ctx context.Context, o Options) (*Engine, error) {
	logrus.SetLevel(logrus.ErrorLevel) // BuildKit's libraries warn on the global logger
	if o.Address != "" {
		return given(ctx, o)
	}
	for _, address := range wellKnown() {
		if c, err := dial(ctx, address); err == nil {
			return &Engine{client: c, Origin: address, options: o}, nil
		}
	}
	e, skipped := docker(ctx, os.Getenv("DOCKER_HOST"))
	if e != nil {
		e.options = o
		return e, nil
	}
	e, err := connectOwn(ctx, o)
	if e != nil {
		e.Skipped = skipped
	}
	return e, err
}

func given(ctx context.Context, o Options) (*Engine, error) {
	c, err := dial(ctx, o.Address)
	if err == nil {
		return &Engine{client: c, Origin: o.Address, options: o}, nil
	}
	if ctx.Err() != nil {
		return nil, fault.As(fault.Cancelled, fmt.Errorf("connecting to engine %s: %w", o.Address, ctx.Err()))
	}
	return nil, fault.Hint(fault.New(fault.Network, "connecting to engine %s: %s", o.Address, withoutNoise(err)),
		"check that BuildKit listens there, or leave engine.address empty to let Bakelite start its own")
}

// Close ends the connection; the engine goes on until its idle time.
func (e *Engine) Close() error { return e.client.Close() }

// wellKnown lists the sockets where a daemon of this machine may listen.
func wellKnown() []string {
	paths := []string{"/run/buildkit/buildkitd.sock"}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		paths = append(paths, filepath.Join(dir, "buildkit/buildkitd.sock"))
	}
	var found []string
	for _, path := range paths {
		if isSocket(path) {
			found = append(found, "unix://"+path)
		}
	}
	return found
}

func isSocket(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&os.ModeSocket != 0
}

// dialTimeout bounds the first answer of an engine.
const dialTimeout = 5 * time.Second

func dial(ctx context.Context, address string, opts ...client.ClientOpt) (*client.Client, error) {
	c, err := client.New(ctx, address, opts...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if _, err := c.ListWorkers(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}
