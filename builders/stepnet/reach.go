package stepnet

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Reach says which addresses steps may connect to. The zero value allows
// public addresses.
type Reach struct {
	// Named are networks that are allowed besides. An address of this machine
	// itself is allowed only where it is named alone.
	Named []netip.Prefix
	// Machine returns this machine's addresses, each with the network that it
	// is in; nil asks the kernel.
	Machine func() ([]netip.Prefix, error)
}

// closed are the networks that are nobody's in public (IANA's registries of
// special-purpose addresses, RFC 6890), but for those of documentation, and
// Azure's platform, which answers each of its machines there.
var closed = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
	"2001::/23", "2002::/16", // Teredo and 6to4 lead to addresses of version 4
)

// global is where public addresses of version 6 are (RFC 4291, section 2.4).
var global = netip.MustParsePrefix("2000::/3")

// Allows says whether steps may connect to an address. Where the machine's own
// addresses cannot be read, none is allowed.
func (r Reach) Allows(to netip.Addr) bool {
	to = to.Unmap()
	machine := r.Machine
	if machine == nil {
		machine = machineNetworks
	}
	own, err := machine()
	switch {
	case err != nil, to.Zone() != "", to.IsUnspecified(), to.IsLoopback(), to.IsMulticast():
		return false
	case slices.ContainsFunc(own, func(n netip.Prefix) bool { return n.Addr() == to }):
		return slices.Contains(r.Named, netip.PrefixFrom(to, to.BitLen()))
	case contains(r.Named, to):
		return true
	}
	return !contains(closed, to) && !contains(own, to) && (to.Is4() || global.Contains(to))
}

func contains(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

// machineNetworks asks the kernel for this machine's addresses.
func machineNetworks() ([]netip.Prefix, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("listing this machine's addresses: %w", err)
	}
	var own []netip.Prefix
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			ip, _ := netip.AddrFromSlice(n.IP)
			bits, _ := n.Mask.Size()
			own = append(own, netip.PrefixFrom(ip.Unmap(), bits))
		}
	}
	return own, nil
}

// ParseNetworks reads addresses and networks, separated by commas and spaces,
// and returns them sorted. It refuses what no step can reach by any name.
func ParseNetworks(text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, word := range strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' }) {
		n, err := parseNetwork(word)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	slices.SortFunc(all, netip.Prefix.Compare)
	return slices.Compact(all), nil
}

func parseNetwork(word string) (netip.Prefix, error) {
	n, err := netip.ParsePrefix(word)
	if a, aerr := netip.ParseAddr(word); aerr == nil {
		n, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	switch {
	case err != nil, strings.Contains(word, "%"), n.Addr().Is4In6():
		return n, fmt.Errorf("%q is not an address or a network, like 10.1.2.3 or 10.0.0.0/8", word)
	case n != n.Masked():
		return n, fmt.Errorf("%q is an address in a network; name the network %s, or the address alone", word, n.Masked())
	case n.Addr().IsLoopback(), n.Addr().IsMulticast():
		return n, fmt.Errorf("%q: a step has a loopback of its own, and multicast ends at it", word)
	}
	return n, nil
}

// FormatNetworks returns networks as ParseNetworks reads them.
func FormatNetworks(networks []netip.Prefix) string {
	var words []string
	for _, n := range networks {
		words = append(words, n.String())
	}
	return strings.Join(words, ",")
}

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}
