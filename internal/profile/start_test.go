package profile_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/profile"
)

// TestStart: what must be there comes before what is prepared, and both before
// the service; an app with neither starts as it is.
func TestStart(t *testing.T) {
	s := app.Service{Command: []string{"/bin/a", "b c"}}
	if got := profile.Of(app.App{Service: s}).Start(); !slices.Equal(got, s.Command) {
		t.Errorf("a plain service starts by %q", got)
	}
	s.Secrets, s.Config, s.State = []string{"password"}, []string{"app.env"}, []string{"/var/lib/b", "/srv/a"}
	s.Prepare = &app.Prepare{Run: [][]string{{"/bin/init", "x"}, {"/bin/migrate"}}}
	want := []string{
		profile.Program, "start", "need", "secret", "password", "/run/secrets/password", "need", "setting", "app.env", "/run/config/app.env",
		"prepare", "/srv/a/.bakelite-prepared", "once", "run", "2", "/bin/init", "x", "run", "1", "/bin/migrate", "exec", "/bin/a", "b c",
	}
	if got := profile.Of(app.App{Service: s}).Start(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestPreparedAgain: with "update" another app file or lock is another release.
func TestPreparedAgain(t *testing.T) {
	a := app.App{Name: "web", Service: app.Service{State: []string{"/srv"}, Prepare: &app.Prepare{Run: [][]string{{"/bin/init"}}, When: "update"}}}
	start := func(a app.App, lock string) string {
		p := profile.Of(a)
		var err error
		if p.Release, err = profile.ReleaseOf(a, lock); err != nil {
			t.Fatal(err)
		}
		return strings.Join(p.Start(), " ")
	}
	first := start(a, "sha256:1")
	if first != start(a, "sha256:1") {
		t.Error("the same release prepares twice")
	}
	if first == start(a, "sha256:2") {
		t.Error("another lock prepares nothing")
	}
	b := a
	b.Packages = []string{"nginx"}
	if first == start(b, "sha256:1") {
		t.Error("another app file prepares nothing")
	}
	a.Service.Prepare = &app.Prepare{Run: [][]string{{"/bin/init"}}}
	if start(a, "sha256:1") != start(a, "sha256:2") {
		t.Error("an update prepares an old state anew")
	}
}

func TestQuestion(t *testing.T) {
	for want, check := range map[string]app.Check{
		"tcp 53":             {TCP: &app.TCPCheck{Port: 53}},
		"http 8080 / 200":    {HTTP: &app.HTTPCheck{}},
		"http 81 /x 204 a b": {HTTP: &app.HTTPCheck{Path: "/x", Port: 81, Status: 204, Contains: "a b"}},
		"":                   {Command: &app.CommandCheck{Run: []string{"/bin/ask"}}},
	} {
		s := app.Service{Ports: []app.Port{{Number: 8080, Protocol: "tcp"}}, Health: &app.Health{Check: check}}
		got := profile.Of(app.App{Service: s}).Question()
		if want == "" && got != nil || want != "" && strings.Join(got, " ") != profile.Program+" "+want {
			t.Errorf("%s: %q", want, got)
		}
	}
}
