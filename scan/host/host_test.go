package host_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/host"
	"github.com/bakelite/bakelite/scan/tree"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// machine is a tree of small files, by name and text; a name that ends in a
// slash is a folder.
func machine(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(path, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

func judge(t *testing.T, dir string, sockets ...string) map[string]host.Result {
	t.Helper()
	root, err := tree.OpenFolder(dir)
	must(t, err)
	defer root.Close()
	all, err := host.Load()
	must(t, err)
	by := map[string]host.Result{}
	for _, r := range host.Judge(t.Context(), host.Machine{Tree: root, Sockets: sockets}, all, 2) {
		by[r.ID] = r
	}
	if len(by) != len(all) {
		t.Fatalf("%d results of %d controls", len(by), len(all))
	}
	return by
}

// word is a result in one word.
func word(r host.Result) string {
	switch {
	case !r.Passed:
		return "fails"
	case r.NotApplicable:
		return "none"
	}
	return "holds"
}

// TestFiles judges trees of small files: each control fails where the machine
// is as it should not be, and holds where it is.
func TestFiles(t *testing.T) {
	const bad, good = "/etc/docker/daemon.json", "/proc/7/cmdline"
	for name, tt := range map[string]struct {
		files map[string]string
		want  map[string]string
	}{
		"an empty machine": {nil, map[string]string{"CIS-DOCKER-2.2": "none", "CIS-DOCKER-3.1": "none", "CIS-DOCKER-5.1": "none", "CIS-DOCKER-5.5": "none", "BK-HOST-02": "none", "BK-HOST-08": "none", "CIS-DOCKER-1.1.3": "none", "CIS-DOCKER-1.1.1": "none"}},
		"defaults": {map[string]string{"/usr/bin/dockerd": "x", "/var/lib/docker/": ""}, map[string]string{
			"CIS-DOCKER-2.2": "fails", "CIS-DOCKER-2.3": "holds", "CIS-DOCKER-2.5": "holds", "CIS-DOCKER-2.7": "holds", "CIS-DOCKER-2.9": "fails", "CIS-DOCKER-2.14": "fails", "CIS-DOCKER-2.16": "fails",
			"CIS-DOCKER-1.1.3": "fails", "CIS-DOCKER-1.1.1": "fails", "CIS-DOCKER-2.13": "fails",
		}},
		"set well": {map[string]string{
			bad:                                      `{"icc": false, "userns-remap": "default", "no-new-privileges": true, "live-restore": true, "userland-proxy": false, "insecure-registries": [], "authorization-plugins": ["a"], "log-driver": "journald"}`,
			"/etc/audit/rules.d/docker.rules":        "# -w /etc/docker/daemon.json\n-w /usr/bin/dockerd -p wa -k docker\n-a always,exit -F dir=/etc/docker -F perm=wa\n",
			"/usr/bin/dockerd":                       "x",
			"/etc/group":                             "docker:x:999:\n",
			"/proc/sys/kernel/kptr_restrict":         "2\n",
			"/usr/bin/podman":                        "x",
			"/etc/containers/containers.conf":        "[containers]\npids_limit = 512\n# netns = \"host\"\n",
			"/usr/lib/systemd/system/docker.service": "x",
		}, map[string]string{
			"CIS-DOCKER-2.2": "holds", "CIS-DOCKER-2.5": "holds", "CIS-DOCKER-2.9": "holds", "CIS-DOCKER-2.12": "holds", "CIS-DOCKER-2.13": "holds", "CIS-DOCKER-2.14": "holds", "CIS-DOCKER-2.15": "holds", "CIS-DOCKER-2.16": "holds",
			"CIS-DOCKER-1.1.2": "holds", "CIS-DOCKER-1.1.3": "holds", "CIS-DOCKER-1.1.6": "holds", "CIS-DOCKER-1.1.11": "fails", "CIS-DOCKER-3.1": "holds", "CIS-DOCKER-3.2": "holds", "CIS-DOCKER-3.18": "holds", "BK-HOST-03": "holds", "BK-HOST-08": "holds", "BK-HOST-09": "holds",
		}},
		"set ill": {map[string]string{
			bad:                               `{"icc": true, "insecure-registries": ["a.example"], "experimental": true, "seccomp-profile": "unconfined", "hosts": ["unix:///run/docker.sock", "tcp://0.0.0.0:2375"]}`,
			"/etc/group":                      "docker:x:999:eve\n",
			"/proc/sys/kernel/kptr_restrict":  "0\n",
			"/usr/bin/podman":                 "x",
			"/etc/containers/containers.conf": "[containers]\npids_limit = 0\nnetns = \"host\"\n",
		}, map[string]string{
			"CIS-DOCKER-2.2": "fails", "CIS-DOCKER-2.5": "fails", "CIS-DOCKER-2.7": "fails", "CIS-DOCKER-2.17": "fails", "CIS-DOCKER-2.18": "fails", "CIS-DOCKER-1.1.2": "fails", "CIS-DOCKER-1.1.6": "fails", "BK-HOST-03": "fails", "BK-HOST-08": "fails", "BK-HOST-09": "fails",
		}},
		"arguments count too": {map[string]string{bad: `{"icc": false}`, good: "/usr/bin/dockerd\x00--icc=true\x00-H\x00tcp://:2375\x00--userns-remap\x00default\x00--experimental\x00"}, map[string]string{
			"CIS-DOCKER-2.2": "fails", "CIS-DOCKER-2.7": "fails", "CIS-DOCKER-2.9": "holds", "CIS-DOCKER-2.18": "fails",
		}},
		"another that is called dockerd": {map[string]string{good: "dockerd\x00-H\x00tcp://:2375\x00", "/proc/8/cmdline": "dockerd\x00--icc=false\x00--tlsverify\x00"}, map[string]string{"CIS-DOCKER-2.2": "fails", "CIS-DOCKER-2.7": "fails"}},
		"one that listens elsewhere":     {map[string]string{good: "dockerd\x00-H\x00unix:///run/other.sock\x00"}, map[string]string{"CIS-DOCKER-5.1": "fails", "CIS-DOCKER-5.5": "fails"}},
		"settings elsewhere":             {map[string]string{bad: `{"icc": false}`, good: "dockerd\x00--config-file\x00/srv/other.json\x00"}, map[string]string{"CIS-DOCKER-2.2": "fails"}},
		"a member by its own group":      {map[string]string{"/etc/group": "docker:x:999:\n", "/etc/passwd": "eve:x:1000:999::/:/bin/sh\n"}, map[string]string{"CIS-DOCKER-1.1.2": "fails"}},
		"a part of Podman's settings": {map[string]string{"/usr/bin/podman": "x", "/etc/containers/containers.conf": "[containers]\npids_limit = 512\n", "/etc/containers/containers.conf.d/x.conf": "[containers]\npids_limit = 0\nnetns = \"host\"\n"}, map[string]string{
			"BK-HOST-08": "fails", "BK-HOST-09": "fails",
		}},
		"Podman's settings too long":             {map[string]string{"/usr/bin/podman": "x", "/etc/containers/containers.conf": strings.Repeat(" ", 2<<20)}, map[string]string{"BK-HOST-08": "fails", "BK-HOST-09": "fails"}},
		"with certificates":                      {map[string]string{good: "dockerd\x00-Htcp://:2376\x00--tlsverify\x00"}, map[string]string{"CIS-DOCKER-2.7": "holds"}},
		"a file that is broken":                  {map[string]string{bad: `{"icc": fal`}, map[string]string{"CIS-DOCKER-2.2": "fails", "CIS-DOCKER-2.3": "fails"}},
		"a file that is a pipe of text too long": {map[string]string{bad: strings.Repeat(" ", 2<<20)}, map[string]string{"CIS-DOCKER-2.3": "fails"}},
	} {
		t.Run(name, func(t *testing.T) {
			found := judge(t, machine(t, tt.files))
			for id, want := range tt.want {
				if r := found[id]; word(r) != want || want == "fails" && (r.Fix == "" || r.Detail == "") {
					t.Errorf("%s %s, not %s: %+v", id, word(r), want, r)
				}
			}
		})
	}
}

// TestOwnersAndModes: who may write to what the engine starts from.
func TestOwnersAndModes(t *testing.T) {
	dir := machine(t, map[string]string{"/usr/lib/systemd/system/docker.service": "x", "/etc/docker/daemon.json": "{}", "/run/docker.sock": "", "/etc/group": "docker:x:41:\n"})
	sock := filepath.Join(dir, "/run/docker.sock")
	must(t, os.Chmod(filepath.Join(dir, "/usr/lib/systemd/system/docker.service"), 0o664))
	must(t, os.Chmod(sock, 0o666))
	if os.Geteuid() != 0 {
		t.Skip("only root gives files to others")
	}
	must(t, os.Chown(filepath.Join(dir, "/etc/docker/daemon.json"), 7, 0))
	must(t, os.Chown(sock, 0, 41))
	found := judge(t, dir)
	for id, want := range map[string]string{"CIS-DOCKER-3.1": "holds", "CIS-DOCKER-3.2": "fails", "CIS-DOCKER-3.15": "holds", "CIS-DOCKER-3.16": "fails", "CIS-DOCKER-3.17": "fails", "CIS-DOCKER-3.18": "holds"} {
		if r := found[id]; word(r) != want {
			t.Errorf("%s %s, not %s: %+v", id, word(r), want, r)
		}
	}
	must(t, os.Chown(sock, 0, 42))
	if r := judge(t, dir)["CIS-DOCKER-3.15"]; word(r) != "fails" || r.Place != "/run/docker.sock" {
		t.Errorf("of another group: %+v", r)
	}
}

// listen serves recorded answers on a socket, and refuses all but GET.
func listen(t *testing.T, answers map[string]string) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", socket)
	must(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path]
		if !ok || r.Method != http.MethodGet {
			http.Error(w, "no", http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(text))
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return socket
}

func recorded(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	must(t, err)
	return string(text)
}

// TestContainers judges containers as Docker 20.10 described them: one made
// with everything that is bad, and one as well as it can be.
func TestContainers(t *testing.T) {
	dir := machine(t, nil)
	for name, file := range map[string]string{"bad": "bad.json", "good": "good.json"} {
		socket := listen(t, map[string]string{"/info": `{"Swarm": {"LocalNodeState": "inactive"}}`, "/containers/json": `[{"Id": "a1"}]`, "/containers/a1/json": recorded(t, file)})
		for id, r := range judge(t, dir, socket) {
			if !strings.HasPrefix(id, "CIS-DOCKER-5.") && id != "BK-HOST-01" {
				continue
			}
			switch want := expected(name, id); {
			case word(r) != want:
				t.Errorf("%s: %s %s, not %s: %s", name, id, word(r), want, r.Detail)
			case want == "fails" && (r.Fix == "" || !strings.Contains(r.Detail, name+" ")):
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
}

// TestContainersByAnotherWay: what gives a container the host without the words
// that everybody looks for.
func TestContainersByAnotherWay(t *testing.T) {
	dir := machine(t, nil)
	for text, id := range map[string]string{
		`{"Config": {"User": "00:0"}}`:                                             "BK-HOST-01",
		`{"Mounts": [{"Source": "/run", "Destination": "/x"}]}`:                    "CIS-DOCKER-5.32",
		`{"Mounts": [{"Source": "/", "Destination": "/x"}]}`:                       "CIS-DOCKER-5.32",
		`{"Mounts": [{"Source": "/var/run/../run", "Destination": "/x"}]}`:         "CIS-DOCKER-5.32",
		`{"Mounts": [{"Source": "/etc/cron.d", "Destination": "/x", "RW": true}]}`: "CIS-DOCKER-5.6",
		`{"HostConfig": {"DeviceCgroupRules": ["a *:* rwm"]}}`:                     "CIS-DOCKER-5.18",
		`{"HostConfig": {"DeviceRequests": [{"Driver": "nvidia"}]}}`:               "CIS-DOCKER-5.18",
	} {
		socket := listen(t, map[string]string{"/info": "{}", "/containers/json": `[{"Id": "a1"}]`, "/containers/a1/json": text})
		if r, known := judge(t, dir, socket)[id]; !known || word(r) != "fails" {
			t.Errorf("%s: %s %s", text, id, word(r))
		}
	}
}

// expected is what becomes of a control: of the bad container all fail but the
// bridge, for it is on the host's network; the good one ran on a kernel without
// AppArmor.
func expected(name, id string) string {
	switch {
	case id == "CIS-DOCKER-5.1", name == "bad" && id == "CIS-DOCKER-5.30":
		return "holds"
	case name == "bad", id == "CIS-DOCKER-5.2":
		return "fails"
	}
	return "holds"
}

// TestEngineOutOfOrder: what the engine does not answer is never good.
func TestEngineOutOfOrder(t *testing.T) {
	dir := machine(t, nil)
	for name, answers := range map[string]map[string]string{
		"nothing":       {},
		"no JSON":       {"/info": "{}", "/containers/json": "<html>"},
		"one is gone":   {"/info": "{}", "/containers/json": `[{"Id": "a1"}]`},
		"a path for ID": {"/info": "{}", "/containers/json": `[{"Id": "../../info"}]`},
		"too long":      {"/info": strings.Repeat(" ", 17<<20)},
	} {
		found := judge(t, dir, listen(t, answers))
		if r := found["CIS-DOCKER-5.5"]; word(r) != "fails" || !strings.Contains(r.Detail, "cannot be read") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	swarm := listen(t, map[string]string{"/info": `{"Swarm": {"LocalNodeState": "active"}}`, "/containers/json": "[]"})
	if found := judge(t, dir, swarm); word(found["CIS-DOCKER-5.1"]) != "fails" || word(found["CIS-DOCKER-5.5"]) != "none" {
		t.Errorf("in a swarm: %+v", found["CIS-DOCKER-5.1"])
	}
}

// TestLinksOutOfTheTree: a link leads to nothing outside of the machine that is
// judged.
func TestLinksOutOfTheTree(t *testing.T) {
	outside := machine(t, map[string]string{"/daemon.json": `{"icc": false}`})
	dir := machine(t, map[string]string{"/etc/docker/": "", "/usr/bin/dockerd": "x"})
	must(t, os.Symlink(filepath.Join(outside, "daemon.json"), filepath.Join(dir, "/etc/docker/daemon.json")))
	if r := judge(t, dir)["CIS-DOCKER-2.2"]; word(r) != "fails" {
		t.Errorf("got %+v", r)
	}
}

func TestParseRefuses(t *testing.T) {
	const good = "- {id: X-1, title: a, level: 1, kind: sysctl, key: a.b, want: ['1'], fix: mend it}\n"
	for _, tt := range []struct{ text, want string }{
		{good, ""}, {good + good, "twice"}, {strings.Replace(good, "sysctl", "magic", 1), "no kind"}, {strings.Replace(good, "sysctl, key: a.b", "container, key: none", 1), "no kind"},
		{strings.Replace(good, "fix: mend it", "fix: ''", 1), "lacks"}, {strings.Replace(good, "level: 1", "level: 3", 1), "lacks"}, {strings.Replace(good, "title", "titel", 1), "titel"},
	} {
		_, err := host.Parse([]byte(tt.text))
		if tt.want == "" && err != nil || tt.want != "" && (fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", tt.text, err)
		}
	}
}
