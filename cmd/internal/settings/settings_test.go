package settings

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/bakelite/bakelite/internal/fault"
)

var rewrite = flag.Bool("update", false, "write generated files anew")

const home = "HOME=/home/somebody"

// load runs Load in a new folder with a bakelite.yaml, where file is not "".
func load(t *testing.T, file string, env []string, args ...string) (*Settings, error) {
	t.Helper()
	dir := t.TempDir()
	if file != "" {
		write(t, filepath.Join(dir, FileName), file)
	}
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Load(Options{Flags: flags, Dir: dir, Environ: append([]string{home}, env...)})
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func valueOf(t *testing.T, s *Settings, key string) Value {
	t.Helper()
	for _, v := range s.Effective() {
		if v.Key == key {
			return v
		}
	}
	t.Fatalf("no value for %s in %v", key, s.Effective())
	return Value{}
}

// TestUnknownVariables: what is misspelt must not be left out without a word.
func TestUnknownVariables(t *testing.T) {
	for _, tt := range []struct {
		env        string
		args       []string
		want, hint string
	}{
		{env: "BAKELITE_REGISTY=oci:x", want: "BAKELITE_REGISTY", hint: "did you mean: BAKELITE_REGISTRY"},
		{env: "BAKELITE_KEY_PASSPHRAS=x", want: "BAKELITE_KEY_PASSPHRAS", hint: "did you mean: BAKELITE_KEY_PASSPHRASE"},
		{env: "BAKELITE_SOMETHING_ELSE=x"},
		{env: "BAKELITE_MY_KEY=x"},
		{env: "BAKELITE_VERSION=x"},
		{env: "BAKELITE_PORT_80_TCP=x"},
		{env: "BAKELITE_SERVICE_HOST=x"},
		{env: "BAKELITE_MY_KEY=x", args: []string{"--key=env:BAKELITE_MY_KEY"}},
		{env: "BAKELITE_KEY_PASSPHRASE=x"},
		{env: "BAKELITE_STATE=/x"},
		{env: "BAKELITE_MIRRORS_DEBIAN=http://m.example"},
		{env: "BAKELITE_TEST_DISKS=/x"},
		{env: "BAKELITE_REGISTY="},
		{env: "BAKELITES=x"},
	} {
		_, err := load(t, "", []string{tt.env}, tt.args...)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.env, err)
			}
			continue
		}
		if err == nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.want) || !strings.Contains(fault.HintOf(err), tt.hint) {
			t.Errorf("%s: hint %q, %v", tt.env, fault.HintOf(err), err)
		}
	}
}

func TestSourcesInOrder(t *testing.T) {
	const file = "progress: plain\nengine:\n  idle: 1h\n"
	env := []string{"BAKELITE_PROGRESS=json", "BAKELITE_ENGINE_IDLE=2h"}
	tests := []struct {
		name, file     string
		env, args      []string
		progress, from string
		idle           time.Duration
		idleFrom       string
	}{
		{name: "default", progress: "auto", from: "default", idle: 10 * time.Minute, idleFrom: "default"},
		{name: "file", file: file, progress: "plain", from: "bakelite.yaml:1", idle: time.Hour, idleFrom: "bakelite.yaml:3"},
		{name: "environment", file: file, env: env, progress: "json", from: "environment BAKELITE_PROGRESS", idle: 2 * time.Hour, idleFrom: "environment BAKELITE_ENGINE_IDLE"},
		{name: "flag", file: file, env: env, args: []string{"--progress=tty", "--engine-idle=3h"}, progress: "tty", from: "flag --progress", idle: 3 * time.Hour, idleFrom: "flag --engine-idle"},
		{name: "flag over file alone", file: file, args: []string{"--progress=tty"}, progress: "tty", from: "flag --progress", idle: time.Hour, idleFrom: "bakelite.yaml:3"},
		{name: "empty variable counts as unset", env: []string{"BAKELITE_PROGRESS="}, progress: "auto", from: "default", idle: 10 * time.Minute, idleFrom: "default"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := load(t, tt.file, tt.env, tt.args...)
			if err != nil {
				t.Fatal(err)
			}
			if s.Progress != tt.progress || valueOf(t, s, "progress").Source != tt.from {
				t.Errorf("progress %q from %q", s.Progress, valueOf(t, s, "progress").Source)
			}
			if s.Engine.Idle.Std() != tt.idle || valueOf(t, s, "engine.idle").Source != tt.idleFrom {
				t.Errorf("idle %v from %q", s.Engine.Idle.Std(), valueOf(t, s, "engine.idle").Source)
			}
		})
	}
}

func TestListsFromEachSource(t *testing.T) {
	const file = "apps: [a/*.yaml, b.yaml]\nupdate: {trigger: [security, base], windows: ['sat,sun 01:00-02:00'], cool-down: 2h}\n"
	for name, give := range map[string]struct {
		env, args []string
		apps      string
		from      string
	}{
		"file":        {apps: "a/*.yaml b.yaml", from: "bakelite.yaml:1"},
		"environment": {env: []string{"BAKELITE_APPS= c.yaml; d.yaml ;"}, apps: "c.yaml d.yaml", from: "environment BAKELITE_APPS"},
		"flag":        {env: []string{"BAKELITE_APPS=c.yaml"}, args: []string{"--apps=e.yaml", "--apps=f g.yaml"}, apps: "e.yaml f g.yaml", from: "flag --apps"},
	} {
		s, err := load(t, file, give.env, give.args...)
		if err != nil || strings.Join(s.Apps, " ") != give.apps || valueOf(t, s, "apps").Source != give.from {
			t.Errorf("%s: %q from %q, %v", name, s.Apps, valueOf(t, s, "apps").Source, err)
		}
		if !reflect.DeepEqual(s.Update.Trigger, []string{"security", "base"}) || s.Update.Windows[0] != "sat,sun 01:00-02:00" || s.Update.CoolDown.Std() != 2*time.Hour {
			t.Errorf("%s: %+v", name, s.Update)
		}
	}
	s, err := load(t, "", nil)
	if err != nil || !reflect.DeepEqual(s.Apps, []string{"apps/*/app.yaml"}) || !reflect.DeepEqual(s.Update.Trigger, []string{"any"}) || len(s.Update.Windows) != 0 || s.Update.UnknownAfter.Std() != 24*time.Hour {
		t.Errorf("%+v, %v", s, err)
	}
	for _, e := range Table() {
		for _, entry := range entries(e.Default) {
			if err := e.check(entry); e.Kind == List && err != nil {
				t.Errorf("the default of %s: %v", e.Key, err)
			}
		}
	}
	for _, wrong := range []struct {
		file string
		env  []string
		args []string
		want string
	}{
		{file: "update: {trigger: [any, secruity]}\n", want: `did you mean "security"?`},
		{env: []string{"BAKELITE_UPDATE_TRIGGER=any;nothing"}, want: `"nothing" is not one of`},
		{args: []string{"--update-window=sometimes"}, want: `"sometimes" is not a window`},
		{file: "apps: x.yaml\n", want: "expected a list"},
	} {
		if _, err := load(t, wrong.file, wrong.env, wrong.args...); fault.KindOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), wrong.want) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

func TestOtherKindsFromEachSource(t *testing.T) {
	for name, give := range map[string]struct {
		file      string
		env, args []string
	}{
		"file":        {file: "frozen: true\njobs: 3\nengine:\n  networks: 10.0.0.0/8, 192.168.7.20\n"},
		"environment": {env: []string{"BAKELITE_FROZEN=true", "BAKELITE_JOBS=3", "BAKELITE_ENGINE_NETWORKS=10.0.0.0/8, 192.168.7.20"}},
		"flag":        {args: []string{"--frozen", "--jobs=3", "--engine-networks=10.0.0.0/8, 192.168.7.20"}},
	} {
		s, err := load(t, give.file, give.env, give.args...)
		if err != nil || !s.Frozen || s.Jobs != 3 || s.Engine.Networks != "10.0.0.0/8, 192.168.7.20" {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	s, err := load(t, "frozen: true\n", nil, "--frozen=false")
	if err != nil || s.Frozen {
		t.Errorf("the flag cannot switch off what the file switches on: %+v, %v", s, err)
	}
}

func TestMirrors(t *testing.T) {
	s, err := load(t, "mirrors:\n  debian: [https://file.example/debian, 'https://u:secret@two.example/debian']\n  debian-security: [https://file.example/sec]\n  other: [https://file.example/other]\n",
		[]string{"BAKELITE_MIRRORS_DEBIAN_SECURITY=https://env.example/a https://env.example/b"},
		"--mirror=other=file:///srv/other", "--mirror=other=https://flag.example/other")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"debian":          {"https://file.example/debian", "https://u:secret@two.example/debian"},
		"debian-security": {"https://env.example/a", "https://env.example/b"},
		"other":           {"file:///srv/other", "https://flag.example/other"},
	}
	if !reflect.DeepEqual(s.Mirrors, want) {
		t.Errorf("mirrors are %v", s.Mirrors)
	}
	for key, from := range map[string]string{
		"mirrors.debian": "bakelite.yaml:2", "mirrors.debian-security": "environment BAKELITE_MIRRORS_DEBIAN_SECURITY", "mirrors.other": "flag --mirror",
	} {
		v := valueOf(t, s, key)
		if v.Source != from || strings.Contains(v.Value, "secret") {
			t.Errorf("%+v, want source %s", v, from)
		}
	}
}

func TestMistakes(t *testing.T) {
	tests := []struct {
		name, file string
		env, args  []string
		want       []string
	}{
		{name: "unknown keys", file: "stat: x\nengine:\n  idel: 1h\n", want: []string{`bakelite.yaml:1:1: stat: this key is not known; did you mean "state"?`, `bakelite.yaml:3:3: engine.idel: this key is not known; did you mean "idle"?`}},
		{name: "wrong type", file: "frozen: yes\njobs: many\n", want: []string{`:1:9: frozen: expected true or false, found the text "yes"`, `:2:7: jobs: expected a whole number`}},
		{name: "word in file", file: "progress: plian\n", want: []string{`:1:11: progress: "plian" is not one of auto, plain, full, tty, json; did you mean "plain"?`}},
		{name: "number in file", file: "jobs: -1\n", want: []string{`:1:7: jobs: "-1" is not a whole number between 0 and 4096`}},
		{name: "span in file", file: "engine: {idle: soon}\n", want: []string{`"soon" is not a time span`}},
		{name: "network in file", file: "engine: {networks: 10.0.0.1/8}\n", want: []string{`:1:20: engine.networks: "10.0.0.1/8" is an address in a network; name the network 10.0.0.0/8`}},
		{name: "loopback as a network", args: []string{"--engine-networks=127.0.0.1"}, want: []string{`"127.0.0.1": a step has a loopback of its own`}},
		{name: "mirror in file", file: "mirrors:\n  Debian: [https://a.example]\n  other: [a.example]\n", want: []string{`:2:3: mirrors.Debian: "Debian" is not an archive's name`, `:3:3: mirrors.other: mirror "a.example" is not a URL`}},
		{name: "variable", env: []string{"BAKELITE_JOBS=many"}, want: []string{`BAKELITE_JOBS: "many" is not a whole number`}},
		{name: "switch variable", env: []string{"BAKELITE_FROZEN=1"}, want: []string{`BAKELITE_FROZEN: "1" is neither true nor false`}},
		{name: "flag", args: []string{"--progress=loud"}, want: []string{`--progress: "loud" is not one of`}},
		{name: "mirror flag", args: []string{"--mirror=https://a.example"}, want: []string{`--mirror: "https://a.example" is not ARCHIVE=URL`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.file, tt.env, tt.args...)
			if fault.KindOf(err) != fault.Invalid || err == nil {
				t.Fatalf("got %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q\nis not in\n%v", want, err)
				}
			}
		})
	}
}

func TestFileIsFoundAboveAndAnchorsItsPaths(t *testing.T) {
	top := t.TempDir()
	deep := filepath.Join(top, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(top, FileName), "# ours\nstate: cache\noutput: /srv/out\n")
	s, err := Load(Options{Dir: deep, Environ: []string{home}})
	if err != nil {
		t.Fatal(err)
	}
	if s.State != filepath.Join(top, "cache") || s.Output != "/srv/out" {
		t.Errorf("state %s, output %s", s.State, s.Output)
	}
}

func TestNamedFileMustExist(t *testing.T) {
	_, err := load(t, "", nil, "--config=none.yaml")
	if fault.KindOf(err) != fault.Missing {
		t.Errorf("got %v", err)
	}
	if s, err := load(t, "# nothing yet\n\n", nil); err != nil || s.Output != "dist" {
		t.Errorf("a file of comments gave %+v, %v", s, err)
	}
}

func TestStateFolder(t *testing.T) {
	for _, tt := range []struct {
		env  []string
		want string
	}{
		{[]string{"HOME=/h"}, "/h/.local/state/bakelite"},
		{[]string{"HOME=/h", "XDG_STATE_HOME=/x"}, "/x/bakelite"},
		{[]string{"HOME=/h", "XDG_STATE_HOME=relative"}, "/h/.local/state/bakelite"},
		{[]string{"BAKELITE_STATE=/s"}, "/s"},
		{nil, ""},
	} {
		s, err := Load(Options{Dir: t.TempDir(), Environ: tt.env})
		switch {
		case tt.want == "" && fault.HintOf(err) == "":
			t.Errorf("no HOME gave %v without a hint", err)
		case tt.want != "" && (err != nil || s.State != tt.want):
			t.Errorf("%v gave %+v, %v", tt.env, s, err)
		}
	}
}

// TestTableMatchesSettings holds the table and the struct together.
func TestTableMatchesSettings(t *testing.T) {
	want := map[string]bool{}
	keysOf(reflect.TypeFor[Settings](), "", want)
	for _, e := range Table() {
		if !want[e.Key] {
			t.Errorf("no field for %s", e.Key)
		}
		delete(want, e.Key)
	}
	for key := range want {
		t.Errorf("no entry for %s", key)
	}
}

func keysOf(typ reflect.Type, prefix string, keys map[string]bool) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "":
		case f.Type.Kind() == reflect.Struct:
			keysOf(f.Type, prefix+name+".", keys)
		default:
			keys[prefix+name] = true
		}
	}
}

func TestDocumentationIsCurrent(t *testing.T) {
	const path = "../../../docs/settings.md"
	if *rewrite {
		write(t, path, Documentation())
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != Documentation() {
		t.Errorf("docs/settings.md differs from the table (%v); run: go generate ./cmd/internal/settings", err)
	}
}

func TestShow(t *testing.T) {
	for _, tt := range []struct {
		entry            Entry
		text, from, want string
	}{
		{Entry{Secret: true}, "hunter2", "environment BAKELITE_X", "(set)"},
		{Entry{Secret: true}, "", fromDefault, ""},
		{Entry{DefaultHelp: "in words"}, "", fromDefault, "in words"},
		{Entry{DefaultHelp: "in words"}, "/set", fromDefault, "/set"},
		{Entry{DefaultHelp: "in words"}, "", "flag --x", ""},
	} {
		if got := tt.entry.show(tt.text, tt.from); got != tt.want {
			t.Errorf("%+v shows %q from %s as %q, not %q", tt.entry, tt.text, tt.from, got, tt.want)
		}
	}
}
