package stepnet

import (
	"context"
	"io"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	// maxConnections bounds the connections of one step at a time.
	maxConnections = 512
	// dialTimeout bounds the wait for an answer from outside.
	dialTimeout = 30 * time.Second
)

// forward answers every TCP connection that the step opens.
func (n *Network) forward(ctx context.Context) {
	f := tcp.NewForwarder(n.stack, 0, maxConnections, func(r *tcp.ForwarderRequest) { n.connect(ctx, r) })
	n.stack.SetTransportProtocolHandler(tcp.ProtocolNumber, f.HandlePacket)
}

// connect opens the connection that a step asked for, from here, and refuses
// it where that fails: the step sees what it would see without us.
func (n *Network) connect(ctx context.Context, r *tcp.ForwarderRequest) {
	done, ok := n.begin()
	if !ok {
		r.Complete(false)
		return
	}
	defer done()
	select {
	case n.slots <- struct{}{}:
		defer func() { <-n.slots }()
	default:
		r.Complete(true)
		return
	}
	asked := r.ID() // the local end is the one that the step wants
	to, _ := netip.AddrFromSlice(asked.LocalAddress.AsSlice())
	out, err := n.dial(ctx, netip.AddrPortFrom(to, asked.LocalPort))
	if err != nil {
		r.Complete(true)
		return
	}
	defer out.Close()
	var queue waiter.Queue
	endpoint, terr := r.CreateEndpoint(&queue)
	r.Complete(false)
	if terr != nil {
		return
	}
	in := gonet.NewTCPConn(&queue, endpoint)
	defer in.Close()
	splice(ctx, in, out)
}

// dial connects to an address that the step gave, where it may.
func (n *Network) dial(ctx context.Context, to netip.AddrPort) (halfCloser, error) {
	if to == netip.AddrPortFrom(Nameserver(), namesPort) {
		return n.dialNameserver(ctx)
	}
	if !n.options.Reach.Allows(to.Addr()) {
		return nil, outOfReach(to.String())
	}
	return dialTCP(ctx, to.String())
}

func dialTCP(ctx context.Context, address string) (halfCloser, error) {
	c, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// halfCloser is a connection each direction of which ends by itself.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// splice copies both ways until both have ended, or ctx has.
func splice(ctx context.Context, a, b halfCloser) {
	stop := context.AfterFunc(ctx, func() { _, _ = a.Close(), b.Close() })
	defer stop()
	var both errgroup.Group
	for _, way := range [][2]halfCloser{{a, b}, {b, a}} {
		both.Go(func() error {
			_, _ = io.Copy(way[0], way[1]) // an end that breaks off ends the other
			return way[0].CloseWrite()
		})
	}
	_ = both.Wait()
}
