package container

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/units"
)

func web() (app.App, *lock.Lock) {
	a := app.App{Name: "web", Service: app.Service{
		Command: []string{"/usr/sbin/nginx", "-g", "daemon off;"}, User: "www-data", Dir: "/srv",
		Ports:       []app.Port{{Number: 8080, Protocol: "tcp"}, {Number: 53, Protocol: "udp"}},
		Environment: map[string]string{"B": "2", "A": "1 2"},
		Health: &app.Health{
			Check: app.Check{HTTP: &app.HTTPCheck{Path: "/", Port: 8080, Status: 200}}, Interval: units.Duration(30 * time.Second), Timeout: units.Duration(5 * time.Second), Retries: 3,
		},
	}}
	return a, &lock.Lock{
		APIVersion: lock.APIVersion, Kind: "Lock", App: "web", Bakelite: "1", Platform: "linux/arm64",
		Archives: []lock.Archive{{Name: "debian", Suite: "trixie", InRelease: strings.Repeat("a", 64), Date: time.Unix(1700000000, 0).UTC()}},
	}
}

func TestConfigSaysWhatTheServiceIs(t *testing.T) {
	a, l := web()
	text, err := Config(a, l, profile.Of(a), profile.Identity{UID: 33, GID: 34})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"architecture":"arm64","os":"linux"`, `"User":"33:34"`, `"StopSignal":"SIGTERM"`, `"WorkingDir":"/srv"`, `"8080/tcp":{}`, `"53/udp":{}`,
		`"Entrypoint":["/usr/sbin/nginx","-g","daemon off;"]`, `"Env":["A=1 2","B=2","LANG=C.UTF-8","PATH=/usr/local/sbin`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the configuration lacks %s:\n%s", want, text)
		}
	}
	if want := `"Healthcheck":{"Test":["CMD","/opt/bakelite/service","http","8080","/","200"],"Interval":30000000000,"Timeout":5000000000,"Retries":3}`; !strings.Contains(string(text), want) {
		t.Errorf("the configuration lacks %s:\n%s", want, text)
	}
}

// TestOwnPathReplaces: a variable stands once in an image.
func TestOwnPathReplaces(t *testing.T) {
	a, l := web()
	a.Service.Environment = map[string]string{"PATH": "/opt/bin"}
	text, err := Config(a, l, profile.Of(a), profile.Identity{UID: 33, GID: 34})
	if err != nil || !strings.Contains(string(text), `"Env":["LANG=C.UTF-8","PATH=/opt/bin"]`) {
		t.Errorf("the configuration is %s (%v)", text, err)
	}
}

func TestCommandCheckBecomesDockersHealthcheck(t *testing.T) {
	a, l := web()
	a.Service.Health.Check = app.Check{Command: &app.CommandCheck{Run: []string{"/bin/probe", "x"}}}
	text, err := Config(a, l, profile.Of(a), profile.Identity{UID: 33, GID: 34})
	if err != nil {
		t.Fatal(err)
	}
	if want := `"Healthcheck":{"Test":["CMD","/bin/probe","x"],"Interval":30000000000,"Timeout":5000000000,"Retries":3}`; !strings.Contains(string(text), want) {
		t.Errorf("the configuration lacks %s:\n%s", want, text)
	}
}

func TestAnnotationsNameBaseAndHealth(t *testing.T) {
	a, l := web()
	a.Container.Labels = map[string]string{"team": "web"}
	notes := Annotations(a, l)
	for key, want := range map[string]string{
		"org.opencontainers.image.base.name":   "archive:debian/trixie",
		"org.opencontainers.image.base.digest": "sha256:" + strings.Repeat("a", 64),
		"org.opencontainers.image.created":     "2023-11-14T22:13:20Z",
		"dev.bakelite.lock":                    l.Digest(),
		"team":                                 "web",
	} {
		if notes[key] != want {
			t.Errorf("%s is %q, want %q", key, notes[key], want)
		}
	}
	var health struct {
		HTTP     struct{ Port, Status int }
		Interval string
	}
	if err := json.Unmarshal([]byte(notes["dev.bakelite.health"]), &health); err != nil || health.HTTP.Port != 8080 || health.Interval != "30s" {
		t.Errorf("health is %s (%v)", notes["dev.bakelite.health"], err)
	}
	l.Base = &lock.Image{Ref: "example.com/debian", Digest: "sha256:b"}
	if got := Annotations(a, l)["org.opencontainers.image.base.name"]; got != "example.com/debian" {
		t.Errorf("the base image is named %q", got)
	}
}
