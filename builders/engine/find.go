// Package engine finds a BuildKit and solves build graphs on it: one of the
// user's, or Bakelite's own (package daemon). Nothing else solves anything on
// one; the packages that describe graphs import BuildKit's graph language alone.
// It refuses a step with a network on an engine that does not confine it.
//
//	find.go, docker.go    an engine that runs already, or the own one
//	solve.go              one graph on an engine
//	dockerfile.go, sources.go, definition.go  what a Dockerfile may ask for
//	errors.go, missing.go what people are told when it fails
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
	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/builders/daemon"
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
		if c, err := daemon.Dial(ctx, address); err == nil {
			return &Engine{client: c, Origin: address, options: o}, nil
		}
	}
	e, skipped := docker(ctx, os.Getenv("DOCKER_HOST"))
	if e != nil {
		e.options = o
		return e, nil
	}
	c, err := daemon.Connect(ctx, daemon.Options{State: o.State, Idle: o.Idle, Networks: o.Networks})
	if err != nil {
		return nil, err
	}
	return &Engine{client: c, Origin: "own", own: true, options: o, Skipped: skipped}, nil
}

func given(ctx context.Context, o Options) (*Engine, error) {
	c, err := daemon.Dial(ctx, o.Address)
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

// Prune removes everything from the build cache that no build uses now, and
// returns the bytes freed.
func (e *Engine) Prune(ctx context.Context) (int64, error) {
	removed := make(chan client.UsageInfo)
	var freed int64
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		for info := range removed {
			freed += info.Size
		}
		return nil
	})
	group.Go(func() error {
		defer close(removed)
		return e.client.Prune(ctx, removed, client.PruneAll)
	})
	if err := group.Wait(); err != nil {
		return 0, classify(fmt.Errorf("pruning: %w", err), failure{})
	}
	return freed, nil
}
