package app_test

import (
	"encoding"
	"fmt"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
)

func TestUnits(t *testing.T) {
	tests := []struct {
		unit interface {
			encoding.TextUnmarshaler
			fmt.Stringer
		}
		text, want string // want is "" for an error
	}{
		{new(app.Port), "8080", "8080"}, {new(app.Port), "8080/tcp", "8080"}, {new(app.Port), "53/udp", "53/udp"},
		{new(app.Port), "65535", "65535"}, {new(app.Port), "65536", ""}, {new(app.Port), "0", ""}, {new(app.Port), "-1", ""},
		{new(app.Port), "80/sctp", ""}, {new(app.Port), "80/", ""}, {new(app.Port), "http", ""}, {new(app.Port), "99999999999999999999", ""},
		{new(app.Size), "128M", "128M"}, {new(app.Size), "2048M", "2G"}, {new(app.Size), "1025", "1025"}, {new(app.Size), "1024", "1K"},
		{new(app.Size), "0", ""}, {new(app.Size), "0M", ""}, {new(app.Size), "1.5G", ""}, {new(app.Size), "1T", ""}, {new(app.Size), "-1M", ""},
		{new(app.Size), "128MB", ""}, {new(app.Size), "8589934591G", "8589934591G"}, {new(app.Size), "8589934592G", ""}, {new(app.Size), "M", ""},
		{new(app.Duration), "30s", "30s"}, {new(app.Duration), "60s", "1m"}, {new(app.Duration), "3600s", "1h"}, {new(app.Duration), "90m", "1h30m"},
		{new(app.Duration), "1h0m5s", "1h0m5s"}, {new(app.Duration), "500ms", "500ms"}, {new(app.Duration), "0s", ""}, {new(app.Duration), "-1s", ""}, {new(app.Duration), "30", ""}, {new(app.Duration), "10m", "10m"}, {new(app.Duration), "10h", "10h"},
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
