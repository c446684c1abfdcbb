package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bakelite/bakelite/test/harness"
)

// TestOddValues bakes an app that is called like a unit of the system and lies
// in /home, with arguments and values that systemd could read as something
// else: both artifacts show the service the same, behind the same firewall.
func TestOddValues(t *testing.T) {
	s := harness.NewSite(t)
	const dir = "/home/app/100%"
	args := []string{"--price=$5", "${HOME}", "%n %%", "a\rb\tc\nd", "del\x7f", `'e' "f" \g`, "", ";", "ü", "$$"}
	const odd = "$5 ${HOME} $$ 100% %n 'a' \"b\" \\c\r\t\n\x7f ü "
	build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(s.Dir, "mirror"), "./testdata/mirror")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the service: %v\n%s", err, out)
	}
	seen := harness.JSON(t, map[string]any{"args": args, "dir": dir, "odd": odd})
	harness.Overwrite(t, s.App(), []byte(`apiVersion: bakelite.dev/v1
name: nftables
base: {debian: trixie}
packages: [nginx]
files: [{from: mirror, to: `+dir+`/mirror, mode: "0755"}]
service:
  command: `+harness.JSON(t, append([]string{dir + "/mirror"}, args...))+`
  dir: `+dir+`
  user: www-data
  ports: [8080]
  environment: {ODD: `+harness.JSON(t, odd)+`}
  health: {http: {path: /}}
vm: {formats: [raw]}
tests: [{name: all is as written, http: {contains: `+harness.JSON(t, seen)+`}}]
`))
	s.Replace("app.lock", "app: web\n", "app: nftables\n")
	passed := map[string]bool{}
	for _, r := range s.Run("build", "--json", "web").Result(t).Tests {
		passed[r.Artifact+" "+r.Name] = r.Passed
	}
	for _, name := range []string{"container all is as written", "disk all is as written", "disk is healthy", "disk closed port is closed"} {
		if !passed[name] {
			t.Errorf("%q is not among %v", name, passed)
		}
	}
}
