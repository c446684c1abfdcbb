package app

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
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

// sizeUnits are the letters of Size, largest first.
var sizeUnits = []struct {
	letter string
	bytes  int64
}{{"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}}

// String returns the size with the largest unit that divides it: "128M".
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.letter
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// UnmarshalText reads a whole number of bytes, or one with K, M or G (powers
// of 1024); zero is refused.
func (s *Size) UnmarshalText(text []byte) error {
	digits, scale := string(text), int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(digits, u.letter); ok {
			digits, scale = rest, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/scale {
		return fmt.Errorf("%q is not a size; write a whole number with K, M or G, like 128M", text)
	}
	if n == 0 {
		return errors.New("a size is more than 0; leave the key out for no limit of your own")
	}
	*s = Size(int64(n) * scale)
	return nil
}

// MarshalYAML writes the size as String does.
func (s Size) MarshalYAML() (any, error) { return s.String(), nil }

// Std returns the time span as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String returns the time span in the shortest form that reads back: "30s".
func (d Duration) String() string {
	s := d.Std().String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// UnmarshalText reads what time.ParseDuration reads; only spans of more than
// zero are allowed.
func (d *Duration) UnmarshalText(text []byte) error {
	span, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a time span; write a number with ms, s, m or h, like 30s", text)
	}
	if span <= 0 {
		return errors.New("a time span is more than 0")
	}
	*d = Duration(span)
	return nil
}

// MarshalYAML writes the time span as String does.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }
