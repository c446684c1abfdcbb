package check

import (
	"os"
	"testing"
	"time"

	"github.com/bakelite/bakelite/scan/controls"
)

func TestAdminAndRootKeepTheirShellsWhereThereIsAnAdmin(t *testing.T) {
	cs := only(controls.Setting{Kind: "no-login"})
	root, _ := newTree(t)
	const people = "root:x:0:0::/root:/bin/bash\nops:x:1000:1000::/home/ops:/bin/bash\n"
	write(t, root+"/etc/passwd", people+"guest:x:1001:1001::/:/bin/bash\n", 0o644)
	applied(t, cs, root, admin("ops"))
	if got, _ := os.ReadFile(root + "/etc/passwd"); string(got) != people+"guest:x:1001:1001::/:/usr/sbin/nologin\n" {
		t.Errorf("got %q", got)
	}
	expect(t, cs, root, "", admin("ops"))
	expect(t, cs, root, "root has the login shell /bin/bash; ops has the login shell /bin/bash")
}

func TestControlWithNothingToDoPassesAndSaysSo(t *testing.T) {
	cs := only(controls.Setting{Kind: "file", Path: "/etc/new", Mode: "0644", Content: "x\n"})
	cs[0].Where = "/usr/bin/editor"
	root, _ := newTree(t)
	before := digest(t, root)
	applied(t, cs, root)
	if r := check(t, cs, root)["BK-TEST-01"]; digest(t, root) != before || !r.NotApplicable || r.Detail != "nothing to do without /usr/bin/editor" {
		t.Errorf("without the file: %+v", r)
	}
	// A link that leads nowhere may lead somewhere on the machine.
	link(t, "nowhere", root+"/usr/bin/editor")
	expect(t, cs, root, "/etc/new is missing or not a file")
}

func TestImageOnlyControlIsSkippedOnARunningMachine(t *testing.T) {
	cs := only(controls.Setting{Kind: "absent", Paths: []string{"/etc/key"}})
	cs[0].ImageOnly = true
	root, _ := newTree(t)
	write(t, root+"/etc/key", "", 0o600)
	expect(t, cs, root, "/etc/key is there")
	expect(t, cs, root, "", running)
}

func TestWhatIsWrittenHasTheGivenDate(t *testing.T) {
	root, _ := newTree(t)
	start := time.Now().Add(-time.Hour)
	for _, name := range []string{"/etc", "/etc/ssh", "/root"} {
		must(t, os.Chtimes(root+name, start, start))
	}
	write(t, root+"/etc/passwd-", "", 0o600)
	applied(t, controls.For(load(t), controls.Disk, 2), root, dated)
	for _, name := range []string{"/etc", "/etc/sysctl.d", "/etc/sysctl.d/90-bakelite.conf", "/etc/passwd", "/etc/ssh", "/etc/ssh/sshd_config.d/01-bakelite.conf"} {
		info, err := os.Stat(root + name)
		if err != nil || info.ModTime().Unix() != 1735689600 {
			t.Errorf("%s is of %v (%v)", name, info.ModTime(), err)
		}
	}
}
