package units_test

import (
	"encoding"
	"fmt"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/units"
)

// A text that is read is written in the shortest form that means the same.
func TestUnits(t *testing.T) {
	tests := []struct {
		unit interface {
			encoding.TextUnmarshaler
			fmt.Stringer
		}
		text, want string // want is "" for an error
	}{
		{new(units.Size), "128M", "128M"}, {new(units.Size), "2048M", "2G"}, {new(units.Size), "1025", "1025"}, {new(units.Size), "1024", "1K"},
		{new(units.Size), "0", ""}, {new(units.Size), "0M", ""}, {new(units.Size), "1.5G", ""}, {new(units.Size), "1T", ""}, {new(units.Size), "-1M", ""},
		{new(units.Size), "128MB", ""}, {new(units.Size), "8589934591G", "8589934591G"}, {new(units.Size), "8589934592G", ""}, {new(units.Size), "M", ""},
		{new(units.Duration), "30s", "30s"}, {new(units.Duration), "60s", "1m"}, {new(units.Duration), "3600s", "1h"}, {new(units.Duration), "90m", "1h30m"},
		{new(units.Duration), "1h0m5s", "1h0m5s"}, {new(units.Duration), "500ms", "500ms"}, {new(units.Duration), "0s", ""}, {new(units.Duration), "-1s", ""}, {new(units.Duration), "30", ""}, {new(units.Duration), "10m", "10m"}, {new(units.Duration), "10h", "10h"},
	}
	for _, tt := range tests {
		err := tt.unit.UnmarshalText([]byte(tt.text))
		switch {
		case tt.want == "" && err == nil:
			t.Errorf("%T %q was read as %v", tt.unit, tt.text, tt.unit)
		case tt.want != "" && (err != nil || tt.unit.String() != tt.want):
			t.Errorf("%T %q is %v, %v; want %s", tt.unit, tt.text, tt.unit, err, tt.want)
		}
	}
}

// A wait, unlike a time span of an app file, may be 0.
func TestWaitMayBeZero(t *testing.T) {
	for text, want := range map[string]time.Duration{"0s": 0, "10m": 10 * time.Minute, "-1s": -1, "soon": -1} {
		var w units.Wait
		if err := w.UnmarshalText([]byte(text)); (err == nil) != (want >= 0) || err == nil && w.Std() != want {
			t.Errorf("%q was read as %v (%v), want %v", text, w.Std(), err, want)
		}
	}
}
