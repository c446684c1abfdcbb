package draft_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/draft"
	"github.com/bakelite/bakelite/internal/fault"
)

// ofDockerfile drafts an app called shop from a Dockerfile.
func ofDockerfile(t *testing.T, text string, compose *draft.Compose) draft.Draft {
	t.Helper()
	settings, err := dockerfile.Read(strings.NewReader(text), "Dockerfile", "")
	if err != nil {
		t.Fatal(err)
	}
	packages, err := dockerfile.Asked(strings.NewReader(text), "Dockerfile", dockerfile.Names(draft.Suite))
	if err != nil {
		t.Fatal(err)
	}
	return draft.Of(draft.Source{
		Name: "shop", Base: app.Base{Debian: draft.Suite, Dockerfile: "Dockerfile"}, Packages: packages.Image, Settings: settings, Compose: compose,
	})
}

// written is the draft as an app file that loads.
func written(t *testing.T, d draft.Draft) string {
	t.Helper()
	text, err := app.Marshal(d.App)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string]string{"app.yaml": string(text), "Dockerfile": "FROM base\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := app.Load(dir); err != nil {
		t.Errorf("the draft does not load: %v\n%s", err, text)
	}
	return string(text)
}

func notes(d draft.Draft) string {
	var all []string
	for _, n := range d.Left {
		all = append(all, n.String())
	}
	return strings.Join(all, "\n")
}

// TestDockerfile takes what a Dockerfile says, and says what it did not take.
func TestDockerfile(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		has  []string // parts of the app file
		left []string // beginnings of the notes, all of them
	}{
		"whole": {
			"FROM debian:trixie-slim\nRUN apt-get update && apt-get install -y jq\nENV MODE=fast\nUSER web\nWORKDIR /srv/app\nEXPOSE 8080 9000-9001/udp\nVOLUME /var/lib/shop\nSTOPSIGNAL QUIT\n" +
				"HEALTHCHECK --interval=10s --timeout=2s --retries=4 CMD curl -fsS http://localhost:8080/health || exit 1\nLABEL org.example.team=shop\nENTRYPOINT [\"./bin/shop\"]\nCMD [\"--port\", \"8080\"]",
			[]string{
				"debian: trixie", "dockerfile: Dockerfile", "packages:\n  - jq", "/srv/app/bin/shop\n    - --port\n    - \"8080\"", "user: web", "- 8080\n", "- 9000/udp\n    - 9001/udp", "state:\n    - /var/lib/shop",
				"MODE: fast", "dir: /srv/app", "path: /health\n      port: 8080", "interval: 10s", "timeout: 2s", "retries: 4", "stopSignal: SIGQUIT", "org.example.team: shop", "tests:\n  - tcp:",
			}, nil,
		},
		"root, and a shell": {
			"FROM base\nEXPOSE 80\nCMD migrate && exec serve $PORT", []string{"user: shop", "- /bin/sh\n    - -c\n    - migrate && exec serve $PORT", "shell: true", "- 80\n"},
			[]string{"the user root: no service runs as root: this one runs as shop"},
		},
		"words for a shell that knows no more": {"FROM base\nUSER web\nCMD exec node server.js --port=80", []string{"- /usr/bin/node\n    - server.js\n    - --port=80"}, []string{"Dockerfile:3: the program node: programs are named by absolute path; /usr/bin/node is a guess"}},
		"a daemon":                             {"FROM base\nUSER web\nCMD [\"nginx\", \"-g\", \"daemon off;\"]", []string{"- /usr/sbin/nginx"}, []string{"Dockerfile:3: the program nginx"}},
		"a script":                             {"FROM base\nUSER web\nENTRYPOINT [\"docker-entrypoint.sh\"]\nCMD [\"serve\"]", []string{"- /usr/local/bin/docker-entrypoint.sh\n    - serve", "shell: true"}, []string{"Dockerfile:3: the program docker-entrypoint.sh"}},
		"a number as user":                     {"FROM base\nUSER 1001:0\nCMD [\"/a\"]", []string{"user: shop", "uid: 1001"}, []string{"Dockerfile:2: the group 0"}},
		"Debian's own number":                  {"FROM base\nUSER 33\nCMD [\"/a\"]", []string{"user: shop"}, []string{"Dockerfile:2: the user number 33: 33: numbers below 100 are Debian's own"}},
		"a name that is none":                  {"FROM base\nUSER Web\nCMD [\"/a\"]", []string{"user: shop"}, []string{"Dockerfile:2: the user Web: \"Web\" is not a user name"}},
		"nothing to start":                     {"FROM base\nUSER web", []string{"- /usr/local/bin/shop"}, []string{"the command: nothing says what to start"}},
		"another base":                         {"FROM node:22-alpine AS build\nFROM docker.io/library/python:3.13-slim\nUSER web\nCMD [\"/a\"]", []string{"debian: trixie"}, []string{"Dockerfile:2: FROM docker.io/library/python:3.13-slim: the base is Debian trixie in both artifacts: write FROM base in its place, and name the packages that it brought, such as python3"}},
		"folders of the system":                {"FROM base\nUSER web\nVOLUME [\"/etc/shop\", \"/data\", \"/data/x\"]\nCMD [\"/a\"]", []string{"state:\n    - /data\n"}, []string{"Dockerfile:3: the volume /etc/shop: /etc belongs to the system", "Dockerfile:3: the volume /data/x: /data/x lies in /data"}},
		"ports that are none":                  {"FROM base\nUSER web\nEXPOSE 1-60000 x 70000 53/sctp\nCMD [\"/a\"]", nil, []string{"Dockerfile:3: the ports 1-60000", "Dockerfile:3: the port 53/sctp", "Dockerfile:3: the port 70000/tcp", "Dockerfile:3: the port x"}},
		"health by a program":                  {"FROM base\nUSER web\nHEALTHCHECK --start-period=5s CMD pg_isready -q || exit 1\nCMD [\"/a\"]", []string{"- /bin/sh\n        - -c\n        - pg_isready -q || exit 1", "shell: true"}, []string{"Dockerfile:3: the start period"}},
		"health elsewhere":                     {"FROM base\nUSER web\nEXPOSE 80\nHEALTHCHECK CMD curl http://other/\nCMD [\"/a\"]", []string{"- /usr/bin/curl\n        - http://other/"}, []string{"Dockerfile:4: the program curl"}},
		"health of a port that is not there":   {"FROM base\nUSER web\nEXPOSE 80\nHEALTHCHECK CMD curl http://localhost:81/\nCMD [\"/a\"]", []string{"- 80\n"}, []string{"Dockerfile:4: the check of health: 81 is not one of the service's TCP ports"}},
		"health by busybox":                    {"FROM base\nUSER web\nEXPOSE 8080\nHEALTHCHECK CMD busybox wget -qO- http://127.0.0.1:8080/ || exit 1\nCMD [\"/a\"]", []string{"path: /\n      port: 8080"}, nil},
		"no health":                            {"FROM base\nUSER web\nHEALTHCHECK NONE\nCMD [\"/a\"]", nil, nil},
		"a label of ours":                      {"FROM base\nUSER web\nLABEL dev.bakelite.lock=x\nONBUILD RUN x\nCMD [\"/a\"]", nil, []string{"Dockerfile:3: the label dev.bakelite.lock", "Dockerfile:4: ONBUILD RUN x"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := ofDockerfile(t, c.text, nil)
			text := written(t, d)
			for _, part := range c.has {
				if !strings.Contains(text, part) {
					t.Errorf("without %q:\n%s", part, text)
				}
			}
			if !slices.EqualFunc(d.Left, c.left, func(n draft.Note, want string) bool { return strings.HasPrefix(n.String(), want) }) {
				t.Errorf("left out:\n%s\nwant\n%s", notes(d), strings.Join(c.left, "\n"))
			}
		})
	}
}

// TestCompose takes what one service says over what its Dockerfile does.
func TestCompose(t *testing.T) {
	const text = `x-common: &common {restart: always}
services:
  db:
    image: postgres:17
  api:
    <<: *common
    build: {context: api, dockerfile: Dockerfile.prod, args: {A: 1}}
    command: ["serve", "--dsn", "${DSN:-local}", "$$x"]
    environment: [MODE=slow, "LEVEL=${LEVEL}", SECRET]
    ports: ["127.0.0.1:8081:8080/tcp", {target: 53, protocol: udp, published: 5353}]
    volumes: ["data:/var/lib/shop", "./conf/app.ini:/etc/app.ini:ro", {type: volume, source: cache, target: /var/cache/shop}, "seed:/seed:ro"]
    tmpfs: [/run/shop, /tmp]
    user: "1001"
    working_dir: /srv
    stop_signal: SIGINT
    stop_grace_period: 1m30s
    mem_limit: 512mb
    deploy: {replicas: 2, resources: {limits: {cpus: "0.5", pids: 90}}}
    healthcheck: {test: ["CMD", "curl", "-f", "http://127.0.0.1:8080/"], interval: 20s, retries: 5}
    secrets: [db-password, {source: token, target: api_token}]
    configs: [{source: app.env}]
    depends_on: [db]
    privileged: true
    gpus: all
`
	c, err := draft.ReadCompose("compose.yaml", []byte(text), "api")
	if err != nil {
		t.Fatal(err)
	}
	if c.Build == nil || *c.Build != (draft.Build{Context: "api", Dockerfile: "Dockerfile.prod"}) {
		t.Errorf("built from %+v", c.Build)
	}
	d := ofDockerfile(t, "FROM base\nENV MODE=fast A=b\nUSER web\nEXPOSE 8080\nENTRYPOINT [\"/opt/shop\"]\nCMD [\"--help\"]", c)
	got := written(t, d)
	for _, part := range []string{
		"- /opt/shop\n    - serve\n    - --dsn\n    - local\n    - $x\n", "user: shop", "uid: 1001", "- 8080\n    - 53/udp\n", "A: b", "LEVEL: \"\"", "MODE: slow", "state:\n    - /var/lib/shop\n    - /var/cache/shop\n",
		"writable:\n    - /run/shop\n", "dir: /srv", "stopSignal: SIGINT", "stopGrace: 1m30s", "memory: 512M", "cpus: 0.5", "pids: 90", "path: /\n      port: 8080\n", "interval: 20s", "secrets:\n    - db-password\n    - token\n", "config:\n    - app.env\n",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("without %q:\n%s", part, got)
		}
	}
	want := []string{
		"compose.yaml:6: <<: ", "compose.yaml:7: build.args", "compose.yaml:9: the variable LEVEL", "compose.yaml:9: the variable SECRET",
		"compose.yaml:11: the folder or file ./conf/app.ini of the host: what belongs to the image is copied by files: [{from: app.ini, to: /etc/app.ini}]", "compose.yaml:11: the read-only volume /seed",
		"compose.yaml:20: the place api_token: the service finds it at /run/secrets/token", "compose.yaml:22: depends_on: an app is one service", "compose.yaml:23: privileged", "compose.yaml:24: gpus: the app file has no key for it",
	}
	if !slices.EqualFunc(d.Left, want, func(n draft.Note, want string) bool { return strings.HasPrefix(n.String(), want) }) {
		t.Errorf("left out:\n%s\nwant\n%s", notes(d), strings.Join(want, "\n"))
	}
}

// TestComposeMistakes are of the user's input, each with its place.
func TestComposeMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"":             "compose.yaml: the file is empty",
		"services: {}": "compose.yaml has no services",
		"a: b":         "compose.yaml has no services",
		"services: {a: {image: x}, b: {image: y}}": "compose.yaml has 2 services: a, b",
		"services:\n  a: {user: x}":                "compose.yaml:2: the service a has neither image nor build",
		"services: [":                              "compose.yaml:1",
		strings.Repeat("#", 1<<20):                 "larger than",
	} {
		_, err := draft.ReadCompose("compose.yaml", []byte(text), "")
		if err == nil || !strings.Contains(err.Error(), want) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
	if _, err := draft.ReadCompose("c", []byte("services: {a: {image: x}}"), "b"); err == nil || !strings.Contains(err.Error(), "no service called b; there are a") {
		t.Errorf("a service that is not there: %v", err)
	}
}

// TestSecretsAreLeftOut: what looks like a secret comes into no app file and
// no image, whatever it is drafted from, unless the app file names it.
func TestSecretsAreLeftOut(t *testing.T) {
	const text = "FROM base\nENV DB_PASSWORD=hunter2 GITHUB_TOKEN=hunter2 api_key=hunter2 SECRET=hunter2 SECRET_KEY_BASE=hunter2 DSN=postgres://a:hunter2@db/x\n" +
		"ENV PUBLIC_KEY=seen DB_PASSWORD_FILE=/run/secrets/db KEYBOARD=de EMPTY_TOKEN= SITE=https://a@seen.example\nCMD [\"/a\"]\n"
	c, err := draft.ReadCompose("compose.yaml", []byte("services: {a: {image: x, environment: {DB_PASSWORD: \"${P:-hunter2}\", \"TOKEN\": hunter2}}}"), "")
	if err != nil {
		t.Fatal(err)
	}
	image, err := draft.Image("x", []byte(`{"config":{"Env":["PASSWORD=hunter2"],"Cmd":["/a"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		draft draft.Draft
		left  []string
		has   []string
	}{
		"Dockerfile": {
			ofDockerfile(t, text, nil), []string{"DB_PASSWORD", "GITHUB_TOKEN", "api_key", "SECRET", "SECRET_KEY_BASE", "DSN"},
			[]string{"PUBLIC_KEY: seen", "DB_PASSWORD_FILE: /run/secrets/db", "KEYBOARD: de", "EMPTY_TOKEN: \"\"", "SITE: https://a@seen.example"},
		},
		"compose.yaml": {draft.Of(draft.Source{Name: "shop", Base: app.Base{Debian: draft.Suite}, Compose: c}), []string{"DB_PASSWORD", "TOKEN"}, nil},
		"image":        {draft.Of(draft.Source{Name: "shop", Base: app.Base{Debian: draft.Suite}, Settings: image}), []string{"PASSWORD"}, nil},
	} {
		got, said := written(t, tt.draft), notes(tt.draft)
		if strings.Contains(got+said, "hunter2") {
			t.Errorf("%s: the secret is in\n%s\n%s", name, got, said)
		}
		for _, variable := range tt.left {
			if !strings.Contains(said, "the variable "+variable+": it looks like a secret, which whoever has the image could read: name it in service.secrets") {
				t.Errorf("%s: %s is not said to be left out:\n%s", name, variable, said)
			}
		}
		for _, part := range tt.has {
			if !strings.Contains(got, part) {
				t.Errorf("%s: without %q:\n%s", name, part, got)
			}
		}
	}
}

// TestNotesSteerNoTerminal: what is left out is shown as it is, on one line.
func TestNotesSteerNoTerminal(t *testing.T) {
	image, err := draft.Image("x", []byte(`{"config":{"Env":["A\u001b[2J\nB=c"],"ExposedPorts":{"\u001b]0;x\u0007":{}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range draft.Of(draft.Source{Name: "shop", Base: app.Base{Image: "x"}, Settings: image}).Left {
		if strings.ContainsAny(n.String(), "\x1b\x07\n") {
			t.Errorf("%q", n.String())
		}
	}
}

// TestImageWithTooMuch: an image's configuration keeps nobody busy.
func TestImageWithTooMuch(t *testing.T) {
	config := `{"config":{"Env":["A=b"` + strings.Repeat(`,"A=b"`, 100_000) + `]}}`
	if _, err := draft.Image("x", []byte(config)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("it is taken: %v", err)
	}
}

// TestImage takes the configuration of an image that there is.
func TestImage(t *testing.T) {
	settings, err := draft.Image("registry.example/shop:1", []byte(`{"architecture":"amd64","os":"linux","config":{"User":"33","Env":["PATH=/opt/bin:/usr/bin"],"ExposedPorts":{"80/tcp":{},"53/udp":{}},"Volumes":{"/data":{}},`+
		`"Entrypoint":["/opt/shop"],"Cmd":["-v"],"WorkingDir":"/opt","StopSignal":"SIGQUIT","Labels":{"a":"b"},"Healthcheck":{"Test":["CMD-SHELL","nc -z localhost 80"],"Interval":5000000000}}}`))
	if err != nil {
		t.Fatal(err)
	}
	d := draft.Of(draft.Source{Name: "shop", Base: app.Base{Image: "registry.example/shop:1"}, Settings: settings})
	text := written(t, d)
	for _, part := range []string{
		"image: registry.example/shop:1", "- /opt/shop\n    - -v", "PATH: /opt/bin:/usr/bin", "- 53/udp\n    - 80\n", "- /data\n", "dir: /opt", "stopSignal: SIGQUIT", "tcp:\n      port: 80\n", "interval: 5s",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("without %q:\n%s", part, text)
		}
	}
	if want := "registry.example/shop:1: the user number 33: "; len(d.Left) != 1 || !strings.HasPrefix(notes(d), want) {
		t.Errorf("left out %s", notes(d))
	}
	if _, err := draft.Image("x", []byte("{")); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no JSON: %v", err)
	}
}

// FuzzCompose: whatever is in the file, what is drafted of it loads.
func FuzzCompose(f *testing.F) {
	f.Add("services: {a: {image: x, user: root, ports: [\"1-3\"], volumes: [/x, \"a:/b:ro\"], environment: {A: \"${B:-c}\"}, healthcheck: {test: curl http://localhost/}}}")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := draft.ReadCompose("compose.yaml", []byte(text), "")
		if err != nil {
			return
		}
		d := draft.Of(draft.Source{Name: "shop", Base: app.Base{Debian: draft.Suite}, Compose: c})
		if problems := app.Validate(d.App); len(problems) > 0 {
			t.Errorf("%q: %v", text, problems)
		}
	})
}
