package stepnet

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Every step has the same addresses: each is alone in its namespace. Those of
// version 4 are from the network for tests of devices (RFC 2544), those of
// version 6 from one for private use, so that names with both are asked at
// version 4 (RFC 6724).
var (
	stepAddrs    = prefixes("198.18.0.2/30", "fd62:616b:656c::2/64")
	gatewayAddrs = []netip.Addr{netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("fd62:616b:656c::1")}
)

// The hardware addresses of the wire's ends, of the kind that anybody may give.
var (
	ourMAC  = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	stepMAC = net.HardwareAddr{2, 0, 0, 0, 0, 2}
)

const (
	stepEnd = "eth0" // the wire's end in the step's namespace
	ourEnd  = "wire" // the other one, in a namespace where nothing else is
	// packetSize is the largest packet on the wire in bytes: nothing but memory
	// is between its ends.
	packetSize = 65520
)

// newNamespace makes a network namespace and returns it with the socket whose
// reads and writes are the frames of the wire out of it. The caller closes both.
//
// The wire's end in the namespace comes up last: an interface whose other end
// is down loses what is sent until the kernel notes, some time later, that it
// has come up.
func newNamespace() (ns, socket *os.File, err error) {
	far, err := unshared(func() error { return nil })
	if err != nil {
		return nil, nil, err
	}
	defer far.Close() // the socket keeps it
	ns, err = unshared(func() error { return layWire(int(far.Fd())) })
	if err != nil {
		return nil, nil, err
	}
	err = inside(far, func() (err error) {
		socket, err = ourSide()
		return err
	})
	if err == nil {
		err = inside(ns, stepSide)
	}
	if err != nil {
		_ = ns.Close()
		if socket != nil {
			_ = socket.Close()
		}
		return nil, nil, err
	}
	return ns, socket, nil
}

// layWire gives the namespace of this thread one end of a wire, and the
// namespace far the other.
func layWire(far int) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = stepEnd, packetSize, stepMAC
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: ourEnd, PeerHardwareAddr: ourMAC, PeerNamespace: netlink.NsFd(far)}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("making a pair of interfaces: %w", err)
	}
	return nil
}

// stepSide sets up the namespace of this thread as the step sees it.
func stepSide() error {
	if _, err := up("lo"); err != nil {
		return err
	}
	link, err := up(stepEnd)
	if err != nil {
		return err
	}
	for i, a := range stepAddrs {
		// A kernel without version 6 leaves the step with version 4.
		if err := connect(link, a, gatewayAddrs[i]); err != nil && a.Addr().Is4() {
			return err
		}
	}
	return nil
}

// connect gives an interface an address and a way out through a gateway.
func connect(link netlink.Link, a netip.Prefix, gateway netip.Addr) error {
	index := link.Attrs().Index
	ip := &net.IPNet{IP: a.Addr().AsSlice(), Mask: net.CIDRMask(a.Bits(), a.Addr().BitLen())}
	if err := netlink.AddrAdd(link, &netlink.Addr{IPNet: ip, Flags: unix.IFA_F_NODAD}); err != nil {
		return fmt.Errorf("giving the step an address: %w", err)
	}
	err := netlink.NeighAdd(&netlink.Neigh{LinkIndex: index, State: netlink.NUD_PERMANENT, IP: gateway.AsSlice(), HardwareAddr: ourMAC})
	if err != nil {
		return fmt.Errorf("naming the gateway: %w", err)
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: index, Gw: gateway.AsSlice()}); err != nil {
		return fmt.Errorf("giving the step a route: %w", err)
	}
	return nil
}

// ourSide opens our end of the wire, in its own namespace.
func ourSide() (*os.File, error) {
	link, err := up(ourEnd)
	if err != nil {
		return nil, err
	}
	if err := netlink.LinkSetMTU(link, packetSize); err != nil {
		return nil, fmt.Errorf("widening the wire: %w", err)
	}
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the wire: %w", err)
	}
	err = unix.Bind(socket, &unix.SockaddrLinklayer{Protocol: allProtocols(), Ifindex: link.Attrs().Index})
	if err == nil { // past the queue, which this end has only once the kernel notes that the other is up
		err = unix.SetsockoptInt(socket, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1)
	}
	if err != nil {
		_ = unix.Close(socket)
		return nil, fmt.Errorf("opening the wire: %w", err)
	}
	return os.NewFile(uintptr(socket), ourEnd), nil
}

// allProtocols is ETH_P_ALL in the network's order of bytes, as packet(7) asks.
func allProtocols() uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
}

func up(name string) (netlink.Link, error) {
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	if err != nil {
		return nil, fmt.Errorf("setting up %s: %w", name, err)
	}
	return link, nil
}

// inside runs f in a network namespace.
func inside(ns *os.File, f func() error) error {
	return onOwnThread(func() error {
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("entering namespace: %w", err)
		}
		return f()
	})
}

// unshared runs f in a new network namespace and returns it.
func unshared(f func() error) (ns *os.File, err error) {
	err = onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("making a network namespace: %w", err)
		}
		if ns, err = os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid())); err != nil {
			return fmt.Errorf("opening the namespace: %w", err)
		}
		return f()
	})
	if err != nil && ns != nil {
		_ = ns.Close()
	}
	return ns, err
}

// onOwnThread runs f on a thread that ends with it, so that what f changes of
// its thread counts for nothing else.
func onOwnThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() { // the first thread never ends
			defer runtime.UnlockOSThread()
			done <- onOwnThread(f)
			return
		}
		done <- f()
	}()
	return <-done
}
