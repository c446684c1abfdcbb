// Package units holds sizes and time spans as people write them in files and
// settings: "128M", "30s". What is read and written back is the same text.
package units

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written with K, M or G (powers of 1024).
type Size int64

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
