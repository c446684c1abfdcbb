package container

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Dial connects to a port on the container's own loopback; of address only
// the port counts.
func (r *Running) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	address = net.JoinHostPort("127.0.0.1", port)
	if r.hostNetwork {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	target, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", r.pid))
	if err != nil {
		return nil, fmt.Errorf("opening the container's network: %w", asEnded(err))
	}
	defer target.Close()
	return dialWithin(ctx, target, network, address)
}

// dialWithin dials on a thread that joins the network. A socket stays in the
// network where it was made. The address must be a number: a name would be
// looked up on another thread.
func dialWithin(ctx context.Context, target *os.File, network, address string) (net.Conn, error) {
	type answer struct {
		conn net.Conn
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		runtime.LockOSThread()
		own, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			answers <- answer{nil, err}
			return
		}
		defer own.Close()
		if err := unix.Setns(int(target.Fd()), unix.CLONE_NEWNET); err != nil {
			answers <- answer{nil, fmt.Errorf("joining the container's network: %w", err)}
			return
		}
		conn, err := (&net.Dialer{FallbackDelay: -1}).DialContext(ctx, network, address)
		// A thread that cannot return stays locked and ends with its goroutine.
		if unix.Setns(int(own.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		answers <- answer{conn, err}
	}()
	a := <-answers
	return a.conn, a.err
}
