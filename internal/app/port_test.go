package app_test

import (
	"testing"

	"github.com/bakelite/bakelite/internal/app"
)

func TestPort(t *testing.T) {
	for text, want := range map[string]string{ // "" is an error
		"8080": "8080", "8080/tcp": "8080", "53/udp": "53/udp", "65535": "65535",
		"65536": "", "0": "", "-1": "", "80/sctp": "", "80/": "", "http": "", "99999999999999999999": "",
	} {
		var p app.Port
		err := p.UnmarshalText([]byte(text))
		if want == "" && err == nil || want != "" && (err != nil || p.String() != want) {
			t.Errorf("%q is %v, %v; want %q", text, p, err, want)
		}
	}
}
