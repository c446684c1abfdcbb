package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	ctdsnapshot "github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/plugins/snapshots/native"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay/overlayutils"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/cmd/buildkitd/config"
	"github.com/moby/buildkit/control"
	"github.com/moby/buildkit/executor/oci"
	"github.com/moby/buildkit/frontend"
	dockerfile "github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/gateway/forwarder"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/solver"
	"github.com/moby/buildkit/solver/bboltcachestorage"
	"github.com/moby/buildkit/util/db/boltutil"
	"github.com/moby/buildkit/util/disk"
	"github.com/moby/buildkit/util/network/netproviders"
	"github.com/moby/buildkit/util/resolver"
	"github.com/moby/buildkit/worker"
	"github.com/moby/buildkit/worker/base"
	"github.com/moby/buildkit/worker/runc"
	"github.com/sirupsen/logrus"
	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"github.com/bakelite/bakelite/internal/fault"
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
}

// Serve runs BuildKit on the socket of the state folder until ctx ends or
// nobody was connected for the idle time. It fails with fault.Busy where
// another daemon holds the folder.
func Serve(ctx context.Context, o ServeOptions) error {
	release, err := acquire(o.State)
	if err != nil {
		return err
	}
	defer release()
	logrus.SetLevel(logrus.WarnLevel)
	controller, closeWorker, err := newController(ctx, o)
	if err != nil {
		return fmt.Errorf("starting engine: %w", err)
	}
	defer closeWorker()
	listener, err := listen(socketPath(o.State))
	if err != nil {
		return err
	}
	return serve(ctx, listener, controller, o.Idle)
}

func serve(ctx context.Context, listener net.Listener, controller *control.Controller, idle time.Duration) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := grpc.NewServer(grpc.StatsHandler(newIdleStop(idle, stop)))
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
var historyEntries int64 = 20

func newController(ctx context.Context, o ServeOptions) (*control.Controller, func(), error) {
	sessions, err := session.NewManager()
	if err != nil {
		return nil, nil, err
	}
	w, err := newWorker(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	workers := &worker.Controller{}
	if err := workers.Add(w); err != nil {
		return nil, nil, err
	}
	cache, err := bboltcachestorage.NewStore(filepath.Join(o.State, "cache.db"))
	if err != nil {
		return nil, nil, fmt.Errorf("opening build cache: %w", err)
	}
	history, err := boltutil.SafeOpen(filepath.Join(o.State, "history.db"), 0o600, &bolt.Options{
		FreelistType: bolt.FreelistMapType, NoFreelistSync: true,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("opening build history: %w", err)
	}
	controller, err := control.NewController(control.Opt{
		SessionManager:   sessions,
		WorkerController: workers,
		Frontends: map[string]frontend.Frontend{
			"dockerfile.v0": forwarder.NewGatewayForwarder(workers.Infos(), dockerfile.Build),
		},
		CacheManager:   solver.NewCacheManager(ctx, "local", cache, worker.NewCacheResultStorage(workers)),
		HistoryDB:      history,
		HistoryConfig:  &config.HistoryConfig{MaxEntries: &historyEntries},
		CacheStore:     cache,
		LeaseManager:   w.LeaseManager(),
		ContentStore:   w.ContentStore(),
		GarbageCollect: w.GarbageCollect,
		GracefulStop:   ctx.Done(),
	})
	return controller, func() { _ = workers.Close() }, err
}

func newWorker(ctx context.Context, o ServeOptions) (*base.Worker, error) {
	hosts := resolver.NewRegistryConfig(nil)
	processes := oci.ProcessSandbox
	if o.Rootless {
		processes = oci.NoProcessSandbox
	}
	opt, err := runc.NewWorkerOpt(o.State, snapshotter(o.State), o.Rootless, processes, nil, nil,
		netproviders.Opt{Mode: "host"}, nil, "", "", false, nil, "", "", nil)
	if err != nil {
		return nil, fault.Hint(fault.As(fault.Missing, err), "run: bakelite doctor")
	}
	opt.RegistryHosts = hosts
	opt.GCPolicy = gcPolicy(o.State)
	return base.NewWorker(ctx, opt)
}

func snapshotter(root string) runc.SnapshotterFactory {
	if overlayutils.Supported(root) != nil {
		return runc.SnapshotterFactory{Name: "native", New: native.NewSnapshotter}
	}
	return runc.SnapshotterFactory{Name: "overlayfs", New: func(root string) (ctdsnapshot.Snapshotter, error) {
		return overlay.NewSnapshotter(root, overlay.AsynchronousRemove)
	}}
}

// gcPolicy is BuildKit's own default for the disk that holds the state.
func gcPolicy(root string) []client.PruneInfo {
	stat, _ := disk.GetDiskStat(root)
	var policy []client.PruneInfo
	for _, rule := range config.DefaultGCPolicy(config.GCConfig{}, stat) {
		policy = append(policy, client.PruneInfo{
			Filter: rule.Filters, All: rule.All, KeepDuration: rule.KeepDuration.Duration,
			ReservedSpace: rule.ReservedSpace.AsBytes(stat),
			MaxUsedSpace:  rule.MaxUsedSpace.AsBytes(stat),
			MinFreeSpace:  rule.MinFreeSpace.AsBytes(stat),
		})
	}
	return policy
}

func acquire(state string) (release func(), err error) {
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, fmt.Errorf("making state folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(state, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening engine lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fault.New(fault.Busy, "another engine holds %s", state)
	}
	return func() { _ = f.Close() }, nil
}

func listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making socket folder: %w", err)
	}
	// The lock is ours, so a socket that is there belongs to a dead daemon.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing stale socket: %w", err)
	}
	old := unix.Umask(0o177)
	defer unix.Umask(old)
	return net.Listen("unix", path)
}

// idleStop calls stop when no connection was open for the given time.
type idleStop struct {
	idle  time.Duration
	stop  func()
	mu    sync.Mutex
	open  int
	timer *time.Timer
}

func newIdleStop(idle time.Duration, stop func()) *idleStop {
	s := &idleStop{idle: idle, stop: stop}
	s.rearm()
	return s
}

func (s *idleStop) rearm() {
	if s.idle > 0 {
		s.timer = time.AfterFunc(s.idle, s.expire)
	}
}

func (s *idleStop) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == 0 {
		slog.Info("engine ends: idle", "for", s.idle)
		s.stop()
	}
}

// HandleConn counts connections; the rest of stats.Handler is not needed.
func (s *idleStop) HandleConn(_ context.Context, event stats.ConnStats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch event.(type) {
	case *stats.ConnBegin:
		s.open++
		if s.timer != nil {
			s.timer.Stop()
		}
	case *stats.ConnEnd:
		s.open--
		if s.open == 0 {
			s.rearm()
		}
	}
}

func (s *idleStop) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (s *idleStop) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (s *idleStop) HandleRPC(context.Context, stats.RPCStats)                         {}
