package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestOddValues bakes an app that is called like a unit of the system and lies
// in /home, with arguments and values that systemd could read as something
// else: both artifacts show the service the same, behind the same firewall.
func TestOddValues(t *testing.T) {
	s := newSite(t)
	const dir = "/home/app/100%"
	args := []string{"--price=$5", "${HOME}", "%n %%", "a\rb\tc\nd", "del\x7f", `'e' "f" \g`, "", ";", "ü", "$$"}
	const odd = "$5 ${HOME} $$ 100% %n 'a' \"b\" \\c\r\t\n\x7f ü "
	build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(s.dir, "mirror"), "./testdata/mirror")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the service: %v\n%s", err, out)
	}
	seen := quoted(t, map[string]any{"args": args, "dir": dir, "odd": odd})
	overwrite(t, s.app(), []byte(`apiVersion: bakelite.dev/v1
name: nftables
base: {debian: trixie}
packages: [nginx]
files: [{from: mirror, to: `+dir+`/mirror, mode: "0755"}]
service:
  command: `+quoted(t, append([]string{dir + "/mirror"}, args...))+`
  dir: `+dir+`
  user: www-data
  ports: [8080]
  environment: {ODD: `+quoted(t, odd)+`}
  health: {http: {path: /}}
vm: {formats: [raw]}
tests: [{name: all is as written, http: {contains: `+quoted(t, seen)+`}}]
`))
	s.replace("app.lock", "app: web\n", "app: nftables\n")
	passed := map[string]bool{}
	for _, r := range s.run("build", "--json", "web").result(t).Tests {
		passed[r.Artifact+" "+r.Name] = r.Passed
	}
	for _, name := range []string{"container all is as written", "disk all is as written", "disk is healthy", "disk closed port is closed"} {
		if !passed[name] {
			t.Errorf("%q is not among %v", name, passed)
		}
	}
}

// quoted is JSON, which YAML reads too.
func quoted(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
