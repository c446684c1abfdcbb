package check

import (
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/program"
	"github.com/bakelite/bakelite/scan/controls"
)

// TestRealTree bootstraps Debian, with what a machine needs beside it, and
// wants every control to hold after one application and nginx, sshd and sudo
// to accept what the controls wrote.
func TestRealTree(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: a real tree takes half a minute")
	}
	root := bootstrap(t, "openssh-server,nginx,sudo,login,systemd")
	for _, artifact := range []string{controls.Container, controls.Disk} {
		cs := controls.For(load(t), artifact, 2)
		line := cmdline(strings.Join(controls.KernelArguments(cs), " "))
		if before := controls.ScoreOf(values(check(t, cs, root, line))); before.Failed == 0 {
			t.Errorf("%s: nothing to harden", artifact)
		}
		if artifact == controls.Disk {
			write(t, root+"/etc/fstab", "tmpfs /tmp tmpfs nosuid,nodev,noexec 0 0\ndevtmpfs /dev devtmpfs nosuid,noexec 0 0\ntmpfs /dev/shm tmpfs nosuid,nodev,noexec 0 0\nPARTLABEL=var /var ext4 nosuid,nodev 0 2\n", 0o644)
		}
		applyTwice(t, cs, root)
		for _, r := range check(t, cs, root, line) {
			if !r.Passed {
				t.Errorf("%s: %+v", artifact, r)
			}
		}
	}
	// Programs want what a runtime puts there.
	must(t, unix.Mknod(root+"/dev/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	accepted(t, root, "/usr/sbin/visudo", "-c")
	accepted(t, root, "/bin/sh", "-c", "mkdir -p /run/sshd && ssh-keygen -A && sshd -t && test \"$(sshd -T | grep -c -e '^permitrootlogin no' -e '^passwordauthentication no')\" = 2")
	accepted(t, root, "/usr/sbin/nginx", "-t")
}

func bootstrap(t *testing.T, packages string) string {
	t.Helper()
	newTree(t) // skips where the user is not root
	mmdebstrap, err := program.Find("mmdebstrap", "apt-get install mmdebstrap")
	if err != nil {
		t.Skip("NOT TESTED: mmdebstrap is not installed")
	}
	root := t.TempDir() + "/tree"
	result, err := program.Run(context.Background(), program.Command{
		Path: mmdebstrap, Args: []string{"--variant=minbase", "--include=" + packages, "trixie", root}, Timeout: 15 * time.Minute,
	})
	if err != nil {
		t.Skipf("NOT TESTED: no tree could be made: %v\n%s", err, result.Stderr)
	}
	return root
}

func accepted(t *testing.T, root string, argv ...string) {
	t.Helper()
	chroot, err := program.Find("chroot", "apt-get install coreutils")
	must(t, err)
	if result, err := program.Run(context.Background(), program.Command{Path: chroot, Args: append([]string{root}, argv...)}); err != nil {
		t.Errorf("%v: %v\n%s%s", argv, err, result.Stdout, result.Stderr)
	}
}
