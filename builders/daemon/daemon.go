// Package daemon is BuildKit's daemon as Bakelite runs it: its start as root or
// as an ordinary user, what keeps it apart from the machine, and its end. It
// refuses to run two on one state folder, and gives a daemon no key or token of
// the command that starts it.
//
//	own.go, rootless.go, socket.go    how a command meets or starts it
//	confine.go, cgroup.go             what keeps it apart
//	daemon.go, worker.go, stores.go   what it is; network.go, proxies.go what it reaches
//	idle.go, stop.go                  how it ends
package daemon

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/moby/buildkit/cmd/buildkitd/config"
	"github.com/moby/buildkit/control"
	"github.com/moby/buildkit/frontend"
	dockerfile "github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/gateway/forwarder"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/solver"
	"github.com/moby/buildkit/solver/bboltcachestorage"
	"github.com/moby/buildkit/util/db/boltutil"
	"github.com/moby/buildkit/util/grpcerrors"
	"github.com/moby/buildkit/worker"
	"github.com/sirupsen/logrus"
	bolt "go.etcd.io/bbolt"
	"google.golang.org/grpc"
)

// ServeOptions says where the daemon keeps its state and when it ends.
type ServeOptions struct {
	// State is the daemon's folder; one daemon at a time holds its lock.
	State string
	// Idle is how long the daemon waits without a connection before it ends;
	// zero means for ever.
	Idle time.Duration
	// Rootless says that the daemon runs as root of a user namespace only.
	Rootless bool
	// Networks are what steps reach besides public addresses.
	Networks []netip.Prefix
	// Proxies are those with a password, as Connect hands them over; nil means
	// none.
	Proxies io.Reader
}

// Serve runs BuildKit on the socket of the state folder until ctx ends or
// nobody was connected for the idle time. It fails with fault.Busy where
// another daemon holds the folder.
func Serve(ctx context.Context, o ServeOptions) error {
	if o.Proxies != nil {
		if err := useProxies(o.Proxies); err != nil {
			return fmt.Errorf("starting engine: %w", err)
		}
	}
	release, err := acquire(o.State)
	if err != nil {
		return err
	}
	defer release()
	// BuildKit warns at every solve of a trace recorder that there is none of.
	logrus.SetLevel(logrus.ErrorLevel)
	removeCgroups(cgroupRoot, cgroupParent(o.State))
	defer removeCgroups(cgroupRoot, cgroupParent(o.State))
	if o.Rootless {
		if err := freshRunFolder(o.State); err != nil {
			return fmt.Errorf("starting engine: %w", err)
		}
	}
	controller, err := newController(ctx, o)
	if err != nil {
		return fmt.Errorf("starting engine: %w", err)
	}
	listener, err := listen(o.State)
	if err != nil {
		_ = controller.Close()
		return err
	}
	return serve(ctx, listener, controller, o.Idle)
}

func serve(ctx context.Context, listener net.Listener, controller *control.Controller, idle time.Duration) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// The interceptors let errors keep their types on the way to the client.
	server := grpc.NewServer(grpc.StatsHandler(newIdleStop(idle, stop)),
		grpc.UnaryInterceptor(grpcerrors.UnaryServerInterceptor), grpc.StreamInterceptor(grpcerrors.StreamServerInterceptor))
	controller.Register(server)
	context.AfterFunc(ctx, func() {
		// Refuse new commands first, then cut what is still running.
		_ = listener.Close()
		time.AfterFunc(gracePeriod, server.Stop)
		server.GracefulStop()
	})
	err := server.Serve(listener)
	if cerr := controller.Close(); err == nil {
		err = cerr
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// gracePeriod is what running solves get to end after a signal.
const gracePeriod = 3 * time.Second

// historyEntries bounds the record of past solves.
const historyEntries int64 = 20

// newController returns BuildKit's controller, which closes its worker and
// stores with itself. What an error leaves open ends with the process.
func newController(ctx context.Context, o ServeOptions) (*control.Controller, error) {
	sessions, err := session.NewManager()
	if err != nil {
		return nil, err
	}
	w, err := newWorker(ctx, o)
	if err != nil {
		return nil, err
	}
	workers := &worker.Controller{}
	if err := workers.Add(w); err != nil {
		return nil, err
	}
	cache, err := bboltcachestorage.NewStore(filepath.Join(o.State, "cache.db"))
	if err != nil {
		return nil, fmt.Errorf("opening build cache: %w", err)
	}
	history, err := boltutil.SafeOpen(filepath.Join(o.State, "history.db"), 0o600, &bolt.Options{
		FreelistType: bolt.FreelistMapType, NoFreelistSync: true,
	})
	if err != nil {
		return nil, fmt.Errorf("opening build history: %w", err)
	}
	entries := historyEntries
	return control.NewController(control.Opt{
		SessionManager:   sessions,
		WorkerController: workers,
		Frontends: map[string]frontend.Frontend{
			"dockerfile.v0": forwarder.NewGatewayForwarder(workers.Infos(), dockerfile.Build),
		},
		CacheManager:   solver.NewCacheManager(ctx, "local", cache, worker.NewCacheResultStorage(workers)),
		HistoryDB:      history,
		HistoryConfig:  &config.HistoryConfig{MaxEntries: &entries},
		CacheStore:     cache,
		LeaseManager:   w.LeaseManager(),
		ContentStore:   w.ContentStore(),
		GarbageCollect: w.GarbageCollect,
		GracefulStop:   ctx.Done(),
	})
}
