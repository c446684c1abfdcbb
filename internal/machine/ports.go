package machine

import (
	"cmp"
	"net"
	"slices"
	"strconv"
)

// Reachable is a declared port of the service and where this machine reaches
// it.
type Reachable struct {
	// Protocol is "tcp" or "udp".
	Protocol string
	// Port is the service's.
	Port int
	// Address is on this machine's loopback, "127.0.0.1:40123".
	Address string
}

// Reachable returns where each forwarded port of the machine is reached,
// sorted by port and protocol.
func (m *Machine) Reachable() []Reachable {
	var all []Reachable
	for f, host := range m.forwards {
		all = append(all, Reachable{f.protocol, f.port, net.JoinHostPort("127.0.0.1", strconv.Itoa(host))})
	}
	slices.SortFunc(all, func(a, b Reachable) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol))
	})
	return all
}
