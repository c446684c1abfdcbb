package machine

import (
	"cmp"
	"net"
	"slices"
	"strconv"
)

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
