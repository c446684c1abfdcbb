package draft_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/draft"
	"github.com/bakelite/bakelite/internal/strict/stricttest"
)

const said = `FROM base
ENV MODE=fast LEVEL=1
USER web
WORKDIR /srv
EXPOSE 8080
VOLUME ["/data", "/var/cache/shop"]
STOPSIGNAL SIGINT
LABEL org.example.team=shop
HEALTHCHECK CMD curl -f http://localhost:8080/
CMD ["/opt/shop"]
`

const head = "apiVersion: bakelite.dev/v1\nname: shop\nbase: {debian: trixie, dockerfile: Dockerfile}\n"

// TestFill: a Dockerfile's word is what the app file leaves out, and no more.
func TestFill(t *testing.T) {
	for name, c := range map[string]struct {
		app, dockerfile string
		has             []string // parts of the filled app file
		taken, left     []string // parts of the notes, all of them
	}{
		"all": {
			"service: {}\n", said,
			[]string{"LEVEL: \"1\"\n    MODE: fast", "user: web", "dir: /srv", "- 8080\n", "state:\n    - /data\n    - /var/cache/shop", "stopSignal: SIGINT", "org.example.team: shop", "path: /\n      port: 8080", "command:\n    - /opt/shop\n"},
			[]string{
				"Dockerfile:3: USER as service.user", "Dockerfile:4: WORKDIR as service.dir", "Dockerfile:10: the command as service.command", "Dockerfile:5: EXPOSE as service.ports", "Dockerfile:2: ENV MODE as service.environment",
				"Dockerfile:2: ENV LEVEL as", "Dockerfile:6: VOLUME /data as service.state", "Dockerfile:6: VOLUME /var/cache/shop as", "Dockerfile:7: STOPSIGNAL as", "Dockerfile:9: HEALTHCHECK as service.health", "Dockerfile:8: LABEL org.example.team as container.labels",
			}, nil,
		},
		"without a service": {"", said, []string{"user: web", "command:\n    - /opt/shop\n"}, []string{"USER", "WORKDIR", "command", "EXPOSE", "MODE", "LEVEL", "/data", "/var/cache", "STOPSIGNAL", "HEALTHCHECK", "LABEL"}, nil},
		"the app file's own": {
			"service: {command: [/bin/own, x], user: other, ports: [9090], dir: /own, stopSignal: SIGHUP, state: [/data], writable: [/var/cache/shop], environment: {MODE: slow}, health: {tcp: {}}}\n", said,
			[]string{"- /bin/own\n    - x\n", "user: other", "- 9090\n", "dir: /own", "stopSignal: SIGHUP", "LEVEL: \"1\"\n    MODE: slow", "state:\n    - /data\n", "writable:\n    - /var/cache/shop\n", "tcp:\n"},
			[]string{"ENV LEVEL", "LABEL org.example.team"},
			[]string{"2: ENV MODE: the app file says otherwise", "3: USER web", "4: WORKDIR /srv", "5: EXPOSE", "7: STOPSIGNAL SIGINT", "9: HEALTHCHECK", "10: CMD"},
		},
		"root is not taken":   {"service: {user: web, command: [/a]}\n", "FROM base\nUSER root\n", []string{"user: web"}, nil, []string{"USER root: the app file says otherwise"}},
		"a shell's command":   {"service: {user: web}\n", "FROM base\nCMD a && b\n", []string{"- /bin/sh\n    - -c\n    - a && b", "shell: true"}, []string{"the command as service.command", "the shell that it starts as container.shell"}, nil},
		"what rules refuse":   {"service: {user: web, command: [/a]}\n", "FROM base\nVOLUME /etc\nLABEL dev.bakelite.x=y\nENV A=b\n", []string{"A: b"}, []string{"ENV A"}, []string{"2: the volume /etc: /etc belongs to the system", "3: the label dev.bakelite.x"}},
		"no secret":           {"service: {user: web, command: [/a], environment: {B_TOKEN: mine}}\n", "FROM base\nENV A_TOKEN=hunter2 B_TOKEN=mine\n", []string{"B_TOKEN: mine"}, nil, []string{"2: the variable A_TOKEN: it looks like a secret"}},
		"nothing of its base": {"service: {user: web, command: [/a]}\n", "FROM golang AS b\nENV X=y\nUSER z\nFROM base\nCOPY --from=b /a /a\n", nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := stricttest.Folder(t, map[string]string{"app.yaml": head + c.app, "Dockerfile": c.dockerfile})
			a, err := draft.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			text, err := app.Marshal(*a)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range c.has {
				if !strings.Contains(string(text), part) {
					t.Errorf("without %q:\n%s", part, text)
				}
			}
			if !slices.EqualFunc(a.Taken, c.taken, strings.Contains) || !slices.EqualFunc(a.LeftOut, c.left, strings.Contains) {
				t.Errorf("taken:\n%s\nleft out:\n%s", strings.Join(a.Taken, "\n"), strings.Join(a.LeftOut, "\n"))
			}
		})
	}
}

// TestFillLeavesMistakes: what is missing in both is missing, and a Dockerfile
// that cannot be read gives nothing.
func TestFillLeavesMistakes(t *testing.T) {
	for text, want := range map[string][]string{
		"FROM base\nCMD [\"/a\"]\n":            {"service.user: this key is missing"},
		"FROM base\nUSER root\nCMD [\"/a\"]\n": {"service.user: this key is missing"},
		"FROM base\nUSER web\n":                {"service.command: this key is missing"},
		"FROM base\nEXPOZE 80\n":               {"service.command: this key is missing", "service.user: this key is missing"},
	} {
		dir := stricttest.Folder(t, map[string]string{"app.yaml": head + "service: {ports: [80]}\n", "Dockerfile": text})
		_, err := draft.Load(dir)
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %v, want %s", text, err, part)
			}
		}
		if err != nil && strings.Count(err.Error(), "\n")+1 != len(want) {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := app.Load(filepath.Join(dir)); err == nil || !strings.Contains(err.Error(), "service.command") {
			t.Errorf("app.Load takes it from the Dockerfile: %v", err)
		}
	}
}
