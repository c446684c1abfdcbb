package app_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/strict/stricttest"
)

const minimal = `apiVersion: bakelite.dev/v1
name: web
base:
  debian: trixie
service:
  command: [/bin/web]
  user: web
`

func load(dir string) error {
	_, err := app.Load(dir)
	return err
}

func TestLoadFillsDefaults(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{"app.yaml": minimal})
	for _, path := range []string{dir, filepath.Join(dir, "app.yaml")} {
		a, err := app.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if a.Dir != dir || a.Path != filepath.Join(dir, "app.yaml") {
			t.Errorf("dir %q, path %q", a.Dir, a.Path)
		}
		if a.VM.Size.String() != "2G" || !reflect.DeepEqual(a.VM.Formats, []string{"qcow2"}) || a.Container.Format != "layout" || a.Service.Dir != "/" {
			t.Errorf("defaults are missing: %+v", a)
		}
	}
}

func TestLoadMissingFile(t *testing.T) { stricttest.Missing(t, load) }

// TestLoadShowsEveryMistake: mistakes of form, of sense and of files come in
// one run, each at its place, and none twice.
func TestLoadShowsEveryMistake(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{"app.yaml": `apiVersion: bakelite.dev/v2
name: Web
base:
  debain: trixie
packages: [nginx, nginx, Curl]
files:
  - from: site
    to: etc
    mode: "4755"
serivce:
  command: [web]
vm:
  formats: [qcow]
  size: 1T
tests:
  - on: vm
    http: {port: 0}
`})
	const want = `app.yaml:1:13: apiVersion: "bakelite.dev/v2" is another version of the format; this Bakelite reads bakelite.dev/v1: change the key, or use the Bakelite that the file was written for
app.yaml:2:7: name: "Web" is not a DNS label: lower-case letters, digits and inner hyphens
app.yaml:4:3: base.debain: this key is not known; did you mean "debian"?
app.yaml:5:19: packages[1]: stands here twice, first as entry 1
app.yaml:5:26: packages[2]: "Curl" is not a package name: at least two of lower-case letters, digits and + - .
app.yaml:7:11: files[0].from: site does not exist
app.yaml:8:9: files[0].to: "etc" is not absolute; start it with /
app.yaml:9:11: files[0].mode: "4755" sets the set-uid or set-gid bit; that is refused in every image
app.yaml:10:1: serivce: this key is not known; did you mean "service"?
app.yaml:13:13: vm.formats[0]: "qcow" is not known here; use one of raw, qcow2, vmdk, vhd; did you mean "qcow2"?
app.yaml:14:9: vm.size: "1T" is not a size; write a whole number with K, M or G, like 128M
app.yaml:16:9: tests[0].on: "vm" is not known here; use one of container, disk
app.yaml:17:18: tests[0].http.port: must be more than 0; leave the key out for the default`
	stricttest.Mistakes(t, dir, "app.yaml", load, want)
}

func TestWrittenZeros(t *testing.T) {
	for _, line := range []string{"resources: {cpus: 0}", "resources: {pids: 0}", "resources: {cpus: 0.0}", "resources: {memory: 0}", "health: {command: {run: [/x]}, retries: 0}", "uid: 0", "health: {command: {run: [/x]}, timeout: 0s}"} {
		dir := stricttest.Folder(t, map[string]string{"app.yaml": minimal + "  " + line + "\n"})
		if _, err := app.Load(dir); err == nil || !strings.Contains(err.Error(), "more than 0") {
			t.Errorf("%s gave %v", line, err)
		}
	}
	dir := stricttest.Folder(t, map[string]string{"app.yaml": minimal + "  environment: {port: '0'}\n  health: {command: {run: [/x], exit: 0}}\n"})
	if _, err := app.Load(dir); err != nil {
		t.Errorf("zeros that mean something: %v", err)
	}
}

func TestMarshalReadsBack(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{"x": "1", "app.yaml": minimal + `  ports: [8080, 53/udp]
  resources: {memory: 1G, cpus: 0.5, pids: 9}
  environment: {A: "1", B: "yes"}
  health: {http: {}, interval: 90s}
files:
  - {from: x, to: /srv/x}
  - {content: "a\nb\n", to: /srv/y, mode: "0600", owner: "1:2"}
tests:
  - {tcp: {}, on: disk, within: 2m}
`})
	first, err := app.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	data, err := app.Marshal(*first)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "app.yaml"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	second, err := app.Load(dir)
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, data)
	}
	if !reflect.DeepEqual(first, second) {
		t.Errorf("read back differs:\n%s\n%+v\n%+v", data, first, second)
	}
}

// FuzzLoad holds Load to its promises: no panic, and an error that is
// classified, of at least one line, for whatever the file holds.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(minimal))
	example, err := os.ReadFile("../../examples/web/app.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(minimal + "vm: {admin: {sshKeys: [x]}}\ntests: [{command: {run: []}}]\nfiles: [{from: ., to: /}]\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "app.yaml")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		a, err := app.Load(path)
		if err != nil && (fault.KindOf(err) != fault.Invalid || err.Error() == "") {
			t.Fatalf("%q: kind %v", err, fault.KindOf(err))
		}
		if err == nil && len(app.Validate(*a)) > 0 {
			t.Fatalf("loaded, but not valid: %v", app.Validate(*a))
		}
	})
}

// TestProblemOfAbsentKey: a problem with a key that was left out stands at the
// nearest key above it.
func TestProblemOfAbsentKey(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{"app.yaml": minimal + "tests:\n  - name: x\n    tcp: {}\n"})
	_, err := app.Load(dir)
	if err == nil || !strings.Contains(err.Error(), "app.yaml:10:5: tests[0].tcp.port: the service has no TCP port") {
		t.Errorf("got %v", err)
	}
}
