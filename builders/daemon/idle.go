package daemon

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc/stats"
)

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
