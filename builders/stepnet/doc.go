// Package stepnet gives one build step a network of its own. The step's only
// way out is a TCP/IP stack in this process, which connects in its place to
// what a Reach allows: public addresses, and networks that the machine's
// operator names. It refuses the machine's own addresses and networks,
// loopback and the addresses where clouds hand out credentials. It changes
// nothing of the machine's network and needs no right beyond a user namespace.
//
//	reach.go      which addresses; pure
//	network.go    the network of one step, from its start to its end
//	namespace.go  the kernel's side: a namespace and the wire out of it
//	wire.go, stack.go  this process's side: frames, and the TCP/IP stack
//	forward.go, names.go  TCP and DNS
//	proxy.go, tunnel.go   HTTP, where this machine has proxies
//
// It is the one door to gVisor's stack and to netlink.
package stepnet
