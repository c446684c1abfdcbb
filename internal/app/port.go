package app

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	tcp = "tcp"
	udp = "udp"

	maxPort = 1<<16 - 1
)

// String returns the port as an app file writes it: "8080" or "53/udp".
func (p Port) String() string {
	if p.Protocol == tcp || p.Protocol == "" {
		return strconv.Itoa(p.Number)
	}
	return strconv.Itoa(p.Number) + "/" + p.Protocol
}

// UnmarshalText reads "8080", "8080/tcp" or "53/udp"; the number is 1 to
// 65535.
func (p *Port) UnmarshalText(text []byte) error {
	number, protocol, given := strings.Cut(string(text), "/")
	if !given {
		protocol = tcp
	}
	if protocol != tcp && protocol != udp {
		return fmt.Errorf("the protocol is tcp or udp, not %q", protocol)
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("%q is not a port; write 8080 or 53/udp", text)
	}
	if n < 1 || n > maxPort {
		return fmt.Errorf("port %s is not between 1 and %d", number, maxPort)
	}
	*p = Port{Number: int(n), Protocol: protocol}
	return nil
}

// MarshalYAML writes a TCP port as a number and a UDP port as text.
func (p Port) MarshalYAML() (any, error) {
	if p.Protocol == udp {
		return p.String(), nil
	}
	return p.Number, nil
}
