package probe_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/runners/probe"
)

// serve returns a dialer that reaches handler whatever the port.
func serve(t *testing.T, handler http.HandlerFunc) probe.Dialer {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
}

func page(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/moved":
		http.Redirect(w, r, "/", http.StatusFound)
	case "/endless":
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	case "/":
		_, _ = w.Write([]byte("hello world"))
	default:
		http.NotFound(w, r)
	}
}

func TestHTTP(t *testing.T) {
	dial := serve(t, page)
	tests := []struct {
		name   string
		check  app.HTTPCheck
		passed bool
		detail string
	}{
		{"defaults", app.HTTPCheck{}, true, "status 200, 11 bytes"},
		{"text there", app.HTTPCheck{Path: "/", Contains: "world"}, true, "status 200"},
		{"text missing", app.HTTPCheck{Contains: "moon"}, false, `without "moon": "hello world"`},
		{"wrong status", app.HTTPCheck{Path: "/gone"}, false, "saw status 404, wanted 200"},
		{"wanted 404", app.HTTPCheck{Path: "/gone", Status: 404}, true, "status 404"},
		{"no redirects", app.HTTPCheck{Path: "/moved"}, false, "saw status 302, wanted 200"},
		{"endless body", app.HTTPCheck{Path: "/endless"}, true, "more than 1048576 bytes"},
		{"text after what is searched", app.HTTPCheck{Path: "/endless", Contains: "moon"}, false, `no "moon" in the first 1048576`},
		{"other host", app.HTTPCheck{Path: "http://elsewhere/"}, false, "not the path of a page"},
		{"hidden host", app.HTTPCheck{Path: "//elsewhere/"}, false, "not the path of a page"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			within := 2 * time.Second // enough for an answer of a busy machine
			if tt.passed {
				within = time.Minute
			}
			test := app.Test{Check: app.Check{HTTP: &tt.check}, Within: units.Duration(within)}
			got := probe.Run(t.Context(), probe.Options{Artifact: probe.Disk, Test: test, Dial: dial})
			if got.Passed != tt.passed || !strings.Contains(got.Detail, tt.detail) {
				t.Errorf("passed %v, detail %q, want %v, %q", got.Passed, got.Detail, tt.passed, tt.detail)
			}
		})
	}
}

func TestRetriesUntilItPasses(t *testing.T) {
	var asked atomic.Int32
	dial := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	got := probe.Run(t.Context(), probe.Options{Test: app.Test{Check: app.Check{HTTP: &app.HTTPCheck{}}}, Dial: dial})
	if !got.Passed || asked.Load() != 3 {
		t.Errorf("passed %v after %d attempts: %s", got.Passed, asked.Load(), got.Detail)
	}
}

func TestDeadArtifactEndsTheRetries(t *testing.T) {
	got := probe.Run(t.Context(), probe.Options{
		Test: app.Test{Check: app.Check{TCP: &app.TCPCheck{Port: 1}}, Within: units.Duration(time.Hour)},
		Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") },
		Alive: func() error {
			return errors.New("the service ended")
		},
	})
	if got.Passed || !strings.Contains(got.Detail, "the service ended") || !strings.Contains(got.Detail, "refused") {
		t.Errorf("detail %q", got.Detail)
	}
}

func TestTCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var slam atomic.Bool
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if slam.Load() {
				conn.Close()
			}
		}
	}()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, listener.Addr().String())
	}
	o := probe.Options{Test: app.Test{Check: app.Check{TCP: &app.TCPCheck{Port: 9}}, Within: units.Duration(time.Minute)}, Dial: dial}
	if got := probe.Run(t.Context(), o); !got.Passed || got.Detail != "port 9 is open" {
		t.Errorf("open port: %+v", got)
	}
	slam.Store(true)
	o.Test.Within = units.Duration(300 * time.Millisecond)
	if got := probe.Run(t.Context(), o); got.Passed {
		t.Errorf("a port that closes at once passed: %+v", got)
	}
}

func TestCommand(t *testing.T) {
	run := func(_ context.Context, argv []string) (int, []byte, error) {
		if argv[0] == "/missing" {
			return 0, nil, errors.New("no such program")
		}
		return 3, []byte("three\n"), nil
	}
	tests := []struct {
		check  app.CommandCheck
		passed bool
	}{
		{app.CommandCheck{Run: []string{"/a"}, Exit: 3, Contains: "three"}, true},
		{app.CommandCheck{Run: []string{"/a"}, Exit: 3, Contains: "four"}, false},
		{app.CommandCheck{Run: []string{"/a"}}, false},
		{app.CommandCheck{Run: []string{"/missing"}}, false},
	}
	for _, tt := range tests {
		test := app.Test{Check: app.Check{Command: &tt.check}, Within: 1}
		if got := probe.Run(t.Context(), probe.Options{Test: test, Exec: run}); got.Passed != tt.passed {
			t.Errorf("%+v: %+v", tt.check, got)
		}
	}
}

func TestNames(t *testing.T) {
	service := app.Service{Ports: []app.Port{{Number: 53, Protocol: "udp"}, {Number: 8080, Protocol: "tcp"}}}
	tests := []struct {
		test app.Test
		want string
	}{
		{app.Test{Name: "mine", Check: app.Check{HTTP: &app.HTTPCheck{}}}, "mine"},
		{app.Test{Check: app.Check{HTTP: &app.HTTPCheck{}}}, "http GET / on 8080"},
		{app.Test{Check: app.Check{HTTP: &app.HTTPCheck{Path: "/x", Port: 81}}}, "http GET /x on 81"},
		{app.Test{Check: app.Check{HTTP: &app.HTTPCheck{Contains: "<b>"}}}, `http GET / on 8080 gives "<b>"`},
		{app.Test{Check: app.Check{Command: &app.CommandCheck{Run: []string{"/bin/x"}, Contains: "one"}}}, `command /bin/x gives "one"`},
		{app.Test{Check: app.Check{TCP: &app.TCPCheck{}}}, "tcp connect to 8080"},
		{app.Test{Check: app.Check{Command: &app.CommandCheck{Run: []string{"/usr/bin/id", "-u"}}}}, "command /usr/bin/id -u"},
	}
	for _, tt := range tests {
		if got := probe.Name(tt.test, service); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestForSelectsByArtifact(t *testing.T) {
	a := app.App{Tests: []app.Test{{Name: "both"}, {Name: "c", On: "container"}, {Name: "d", On: "disk"}}}
	got := probe.For(probe.Disk, a)
	if len(got) != 2 || got[0].Test.Name != "both" || got[1].Test.Name != "d" || got[0].Artifact != probe.Disk {
		t.Errorf("got %+v", got)
	}
}

func TestHealthComesFirst(t *testing.T) {
	health := app.Health{
		Check: app.Check{HTTP: &app.HTTPCheck{Path: "/up"}}, Retries: 2,
		Interval: units.Duration(3 * time.Second), Timeout: units.Duration(time.Second),
	}
	a := app.App{Service: app.Service{Health: &health}, Tests: []app.Test{{Name: "declared"}}}
	for _, artifact := range []string{probe.Container, probe.Disk} {
		got := probe.For(artifact, a)
		if len(got) != 2 || got[0].Test.HTTP == nil || got[0].Test.HTTP.Path != "/up" || got[1].Test.Name != "declared" {
			t.Fatalf("got %+v", got)
		}
		if got[0].Attempt != time.Second || got[0].Test.Within != units.Duration(8*time.Second) {
			t.Errorf("attempts of %s within %v", got[0].Attempt, time.Duration(got[0].Test.Within))
		}
	}
}

func TestResultJSON(t *testing.T) {
	got, err := json.Marshal(probe.Result{Artifact: "disk", Name: "n", Passed: true, Detail: "d", Seconds: 1.5})
	if want := `{"artifact":"disk","name":"n","passed":true,"detail":"d","seconds":1.5}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}
