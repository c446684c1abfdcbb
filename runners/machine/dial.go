package machine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/bakelite/bakelite/runners/machine/qemu"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
)

// dialPause is the time between two looks at a connection's state.
const dialPause = 20 * time.Millisecond

// Dial connects to a declared port of the machine; of address only the port
// counts. QEMU accepts before the machine does, so a TCP connection is
// returned only after the machine has accepted it.
func (m *Machine) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	f, err := guestPort(network, address)
	if err != nil {
		return nil, err
	}
	host := m.forwards[f]
	if host == 0 {
		return nil, fault.New(fault.Invalid, "port %d/%s is not forwarded to the machine", f.port, f.protocol)
	}
	m.dialing.Lock()
	defer m.dialing.Unlock()
	conn, err := (&net.Dialer{}).DialContext(ctx, f.protocol, net.JoinHostPort("127.0.0.1", strconv.Itoa(host)))
	if err != nil || f.protocol == "udp" {
		return conn, err
	}
	if err := m.accepted(ctx, conn, f.port); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func guestPort(network, address string) (forward, error) {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return forward{}, err
	}
	port, err := strconv.Atoi(text)
	if err != nil || len(network) < 3 {
		return forward{}, fault.New(fault.Invalid, "%s %s is no port", network, address)
	}
	return forward{network[:3], port}, nil
}

// accepted waits for the state in QEMU's table to leave SYN_SENT. The lock in
// Dial makes sure that no other connection is on its way.
func (m *Machine) accepted(ctx context.Context, conn net.Conn, port int) error {
	for {
		data, err := peek(conn)
		if err != nil || data {
			return err
		}
		all, err := m.monitor.Connections()
		if err != nil {
			return err
		}
		if established(all, port) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("port %d does not answer: %w", port, ctx.Err())
		case <-time.After(dialPause):
		}
	}
}

func established(all []qemu.Connection, port int) bool {
	found := false
	for _, c := range all {
		if c.Protocol != "tcp" || c.Port != port {
			continue
		}
		switch c.State {
		case "SYN_SENT", "SYN_RCVD":
			return false
		case "ESTABLISHED":
			found = true
		}
	}
	return found
}

// peek says whether data waits; a connection that was closed is refused.
func peek(conn net.Conn) (data bool, err error) {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return false, err
	}
	var n int
	var got error
	err = raw.Control(func(fd uintptr) {
		n, _, got = unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
	})
	switch {
	case err != nil:
		return false, err
	case errors.Is(got, unix.EAGAIN):
		return false, nil
	case got != nil:
		return false, fmt.Errorf("connecting: %w", got)
	case n == 0:
		return false, fmt.Errorf("connecting: %w", unix.ECONNREFUSED)
	}
	return true, nil
}

// Reachable is a port of the service, or the administrator's, and where this
// machine reaches it.
type Reachable struct {
	// Protocol is "tcp" or "udp".
	Protocol string
	// Port is the machine's.
	Port int
	// Address is on this machine's loopback, "127.0.0.1:40123".
	Address string
	// Login says that an administrator logs in there by SSH.
	Login bool
}

// Reachable returns where each forwarded port of the machine is reached,
// sorted by port and protocol.
func (m *Machine) Reachable() []Reachable {
	var all []Reachable
	for f, host := range m.forwards {
		login := m.options.App.VM.Admin != nil && f == forward{"tcp", sshPort}
		all = append(all, Reachable{f.protocol, f.port, net.JoinHostPort("127.0.0.1", strconv.Itoa(host)), login})
	}
	slices.SortFunc(all, func(a, b Reachable) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol))
	})
	return all
}
