package rootfs

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

const said = `dpkg: regarding /debs/bash_amd64.deb containing bash, pre-dependency problem:
 bash pre-depends on libc6 (>= 2.38)
  libc6 is not installed.

dpkg: warning: ignoring pre-dependency problem!
Setting up which (2.23) ...
update-alternatives: warning: skip creation of /usr/share/man/man1/which.1.gz because associated file is not there
update-alternatives: error: alternative path /usr/share/man/man7/bash-builtins.7.gz doesn't exist
update-alternatives: error: alternative path /usr/bin/which.gnu doesn't exist
invoke-rc.d: could not determine current runlevel
invoke-rc.d: policy-rc.d denied execution of start.
Converting /etc/resolv.conf to a symlink to /run/systemd/resolve/stub-resolv.conf...
mv: cannot move '/etc/resolv.conf' to '/etc/.resolv.conf.systemd-resolved.bak': Device or resource busy
Cannot take a backup of /etc/resolv.conf.
ln: failed to create symbolic link '/etc/resolv.conf': Device or resource busy
Cannot install symlink from /etc/resolv.conf to ../run/systemd/resolve/stub-resolv.conf
mv: cannot move '/etc/hosts' to '/etc/hosts.old': Device or resource busy
dpkg: error processing package nginx (--configure):
`

const meant = `Setting up which (2.23) ...
update-alternatives: error: alternative path /usr/bin/which.gnu doesn't exist
mv: cannot move '/etc/hosts' to '/etc/hosts.old': Device or resource busy
dpkg: error processing package nginx (--configure):
`

// TestQuietly: what means nothing is left out, and what a command says else,
// and how it ends, is not.
func TestQuietly(t *testing.T) {
	_, function, ok := strings.Cut(strings.Join(script("dpkg.sh"), "\n"), "\nquietly() {")
	if !ok {
		t.Fatal("dpkg.sh has no function quietly")
	}
	function = "quietly() {" + strings.ReplaceAll(function, "/tmp/", t.TempDir()+"/")
	for _, code := range []string{"0", "3"} {
		cmd := exec.CommandContext(t.Context(), "sh", "-euc", function+"\ntalk() { cat; return "+code+"; }\nquietly talk\n")
		cmd.Stdin = strings.NewReader(said)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if string(out) != meant || errors.As(err, &exit) && exit.ExitCode() != 3 || (err == nil) != (code == "0") {
			t.Errorf("ended with %v, want %s, and says\n%swant\n%s", err, code, out, meant)
		}
	}
}
