package stepnet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// Options says what a step's network leads to.
type Options struct {
	Reach Reach
	// Nameservers returns the servers that names are asked of; nil reads those
	// of this machine.
	Nameservers func() ([]netip.AddrPort, error)
	// Proxy names the proxy of a request, as http.Transport's does; nil means
	// that there are none, and then the step is told of none.
	Proxy func(*http.Request) (*url.URL, error)
}

// Network is the network of one step.
type Network struct {
	options   Options
	namespace *os.File
	wire      *os.File
	stack     *stack.Stack
	proxy     *http.Server
	slots     chan struct{}
	end       func()

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// Open makes a step's network. It needs the right to make namespaces, as root
// or in a user namespace. The caller closes it.
func Open(o Options) (*Network, error) {
	if o.Nameservers == nil {
		o.Nameservers = machineNameservers
	}
	n := &Network{options: o, slots: make(chan struct{}, maxConnections)}
	ctx, end := context.WithCancel(context.Background()) //nolint:forbidigo // Close ends it, not the caller's context
	n.end = end
	var err error
	if n.namespace, n.wire, err = newNamespace(); err != nil {
		end()
		return nil, fmt.Errorf("opening a step's network: %w", err)
	}
	if err := n.serve(ctx); err != nil {
		return nil, fmt.Errorf("opening a step's network: %w", errors.Join(err, n.Close()))
	}
	return n, nil
}

// serve starts what answers the step.
func (n *Network) serve(ctx context.Context) (err error) {
	link := channel.New(maxQueued, packetSize, "")
	link.LinkEPCapabilities = stack.CapabilityRXChecksumOffload // the kernel leaves sums out where memory alone is between two ends
	if n.stack, err = newStack(link); err != nil {
		return err
	}
	go receive(n.wire, link)
	go send(ctx, n.wire, link)
	n.forward(ctx)
	if err := n.answerNames(ctx); err != nil {
		return err
	}
	if n.options.Proxy == nil {
		return nil
	}
	return n.serveProxy(ctx)
}

// Nameserver is the address that a step asks names of.
func Nameserver() netip.Addr { return gatewayAddrs[0] }

// Path returns the namespace's path, in the form of the OCI runtime
// specification, until Close.
func (n *Network) Path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.namespace.Fd()) }

// Close ends the network and every connection through it.
func (n *Network) Close() error {
	n.mu.Lock()
	again := n.closed
	n.closed = true
	n.mu.Unlock()
	if again {
		return nil
	}
	n.end()
	if n.proxy != nil {
		_ = n.proxy.Close()
	}
	if n.stack != nil {
		n.stack.Close()
		n.running.Wait()
		n.stack.Wait()
	}
	return errors.Join(n.wire.Close(), n.namespace.Close())
}

// begin says whether the network is still open; if so, Close waits for done.
func (n *Network) begin() (done func(), ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, false
	}
	n.running.Add(1)
	return n.running.Done, true
}
