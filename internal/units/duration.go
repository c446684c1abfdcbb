package units

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Duration is a time span in the form of Go's time.ParseDuration: "30s".
type Duration int64

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
	span, err := parse(text)
	if err == nil && span <= 0 {
		err = errors.New("a time span is more than 0")
	}
	if err == nil {
		*d = Duration(span)
	}
	return err
}

// MarshalYAML writes the time span as String does.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }

// Wait is a Duration that may be 0.
type Wait int64

// Std returns the time span as the standard library's type.
func (w Wait) Std() time.Duration { return time.Duration(w) }

// UnmarshalText reads what time.ParseDuration reads; spans of less than zero
// are refused.
func (w *Wait) UnmarshalText(text []byte) error {
	span, err := parse(text)
	if err == nil && span < 0 {
		err = errors.New("a time span is not less than 0")
	}
	if err == nil {
		*w = Wait(span)
	}
	return err
}

func parse(text []byte) (time.Duration, error) {
	span, err := time.ParseDuration(string(text))
	if err != nil {
		return 0, fmt.Errorf("%q is not a time span; write a number with ms, s, m or h, like 30s", text)
	}
	return span, nil
}
