package machine

import (
	"bytes"
	"reflect"
	"testing"
	"unicode"

	"github.com/bakelite/bakelite/internal/app"
)

func TestPlainKeepsTextOnly(t *testing.T) {
	tests := map[string]string{
		"a\r\nb\tc":                     "a\nb\tc",
		"\x1b[0;32m  OK  \x1b[0mdone":   "  OK  done",
		"\x1b]0;title\x07after":         "after",
		"\x1b]0;title\x1b\\after":       "after",
		"\x1bcreset":                    "reset",
		"\x1b[1\x1b[2Jtwo":              "two",
		"bell\x07 nul\x00 del\x7f \x9b": "bell nul del ",
		"\x1bPdevice\x1b[31mred":        "red",
		"● näh … €":                     "● näh … €",
		"\xe2A \xc2\x9b2J \u202eevil":   "A 2J evil",
	}
	for in, want := range tests {
		var whole, single bytes.Buffer
		_, _ = (&plain{w: &whole}).Write([]byte(in))
		p := &plain{w: &single}
		for i := range len(in) {
			_, _ = p.Write([]byte(in[i : i+1]))
		}
		if whole.String() != want || single.String() != want {
			t.Errorf("%q: %q at once, %q byte by byte; wanted %q", in, whole.String(), single.String(), want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add([]byte("\x1b[0m\x1b]x\x07text"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		_, _ = (&plain{w: &out}).Write(data)
		for _, r := range out.String() {
			if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
				t.Errorf("%q lets %q through", data, r)
			}
		}
	})
}

func TestReachableIsSorted(t *testing.T) {
	m := &Machine{forwards: map[forward]int{{"udp", 53}: 3, {"tcp", 80}: 1, {"tcp", 53}: 2}}
	want := []Reachable{{"tcp", 53, "127.0.0.1:2", false}, {"udp", 53, "127.0.0.1:3", false}, {"tcp", 80, "127.0.0.1:1", false}}
	if got := m.Reachable(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestAdministratorIsReachable(t *testing.T) {
	o := Options{App: app.App{Service: app.Service{Ports: []app.Port{{Number: 80}}}}}
	if got, want := forwards(o), []forward{{"tcp", 80}}; !reflect.DeepEqual(got, want) {
		t.Errorf("without an administrator: %v", got)
	}
	o.App.VM.Admin = &app.Admin{}
	if got, want := forwards(o), []forward{{"tcp", 80}, {"tcp", 22}}; !reflect.DeepEqual(got, want) {
		t.Errorf("with one: %v", got)
	}
	m := &Machine{options: o, forwards: map[forward]int{{"tcp", 22}: 1, {"udp", 22}: 2}}
	want := []Reachable{{"tcp", 22, "127.0.0.1:1", true}, {"udp", 22, "127.0.0.1:2", false}}
	if got := m.Reachable(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}
