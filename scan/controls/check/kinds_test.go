package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/scan/controls"
)

// broken is one way to break a setting that holds, and what the check says.
type broken struct {
	change func(t *testing.T, root string)
	want   string
}

type kindTest struct {
	set    controls.Setting
	change func(t *testing.T, root string) // before anything is applied
	want   string                          // what the first check says
	line   string                          // the kernel's, of the checks after applying
	breaks []broken
	// untouched says that applying changes nothing: the kind is checked only.
	untouched bool
}

// list is an access list that names a user (acl_ea_header of linux/posix_acl_xattr.h).
const list = "\x02\x00\x00\x00" + "\x01\x00\x06\x00\xff\xff\xff\xff" + "\x02\x00\x04\x00\x21\x00\x00\x00" +
	"\x04\x00\x04\x00\xff\xff\xff\xff" + "\x10\x00\x04\x00\xff\xff\xff\xff" + "\x20\x00\x04\x00\xff\xff\xff\xff"

func attribute(name, key, value string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		t.Helper()
		must(t, unix.Setxattr(root+name, key, []byte(value), 0))
	}
}

// capable gives a file what setcap cap_sys_admin+ep gives it.
func capable(name string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		t.Helper()
		write(t, root+name, "program", 0o755)
		attribute(name, "security.capability", "\x01\x00\x00\x02\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")(t, root)
	}
}

func node(name string, mode, major, minor uint32) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		t.Helper()
		must(t, os.MkdirAll(filepath.Dir(root+name), 0o755))
		must(t, unix.Mknod(root+name, mode, int(unix.Mkdev(major, minor))))
		must(t, unix.Chmod(root+name, mode&0o777))
	}
}

// process is the one of the service, with a status and no capability that the
// status does not say.
func process(status string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		t.Helper()
		write(t, root+"/sys/fs/cgroup/system.slice/app-web.service/cgroup.procs", "17\n", 0o444)
		for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
			if !strings.Contains(status, set) {
				status += set + ":\t0000000000000000\n"
			}
		}
		write(t, root+"/proc/17/status", "Name:\tweb\n"+status, 0o444)
	}
}

// sockets lists one socket as the kernel does.
func sockets(protocol, address, state string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		t.Helper()
		write(t, root+"/proc/1/net/"+protocol, "  sl  local_address rem_address   st\n   0: "+address+" 00000000:0000 "+state+" 0\n", 0o444)
	}
}

func replace(name, text string) func(*testing.T, string) {
	return func(t *testing.T, root string) { write(t, root+name, text, 0o644) }
}

func mode(name string, mode uint32) func(*testing.T, string) {
	return func(t *testing.T, root string) { write(t, root+name, "text", mode) }
}

// kindTests holds a test for each kind and, for config, for each syntax.
func kindTests() map[string]kindTest {
	return map[string]kindTest{
		"file": {
			set:  controls.Setting{Kind: "file", Path: "/etc/new/issue", Mode: "0644", Content: "it's \"quoted\" $HOME `id` \\n\n"},
			want: "/etc/new/issue is missing or not a file",
			breaks: []broken{
				{replace("/etc/new/issue", "other"), "/etc/new/issue has other content"},
				{func(t *testing.T, root string) { must(t, os.Chmod(root+"/etc/new/issue", 0o666)) }, "/etc/new/issue has mode 666, not 644"},
				{func(t *testing.T, root string) { must(t, os.Chown(root+"/etc/new/issue", 7, 0)) }, "/etc/new/issue belongs to 7:0, not 0:0"},
				{func(t *testing.T, root string) { link(t, "/etc/issue", root+"/etc/new/issue") }, "/etc/new/issue is missing or not a file"},
			},
		},
		"absent": {
			set:    controls.Setting{Kind: "absent", Paths: []string{"/etc/ssh/ssh_host_*_key*", "/etc/shadow-", "/nowhere/at/all"}},
			change: func(t *testing.T, root string) { mkdir(t, root+"/etc/ssh/ssh_host_a_key.d/deep", 0o755) },
			want:   "/etc/ssh/ssh_host_a_key.d is there",
			breaks: []broken{
				{replace("/etc/shadow-", ""), "/etc/shadow- is there"},
				{func(t *testing.T, root string) { link(t, "nowhere", root+"/etc/ssh/ssh_host_b_key") }, "/etc/ssh/ssh_host_b_key is there"},
			},
		},
		"mode": {
			set: controls.Setting{Kind: "mode", Paths: []string{"/etc/cron.d", "/etc/none"}, Mode: "0700", Owner: "0:0"},
			change: func(t *testing.T, root string) {
				mkdir(t, root+"/etc/cron.d", 0o2755)
				must(t, os.Chown(root+"/etc/cron.d", 1, 2))
			},
			want: "/etc/cron.d has mode 2755, not 700; /etc/cron.d belongs to 1:2, not 0:0",
			breaks: []broken{
				{func(t *testing.T, root string) { mkdir(t, root+"/etc/cron.d", 0o701) }, "/etc/cron.d has mode 701, not 700"},
				{func(t *testing.T, root string) { link(t, "/tmp", root+"/etc/cron.d") }, "/etc/cron.d is a link or behind one"},
			},
		},
		"no-special-bits": {
			set:    controls.Setting{Kind: "no-special-bits", Except: []string{"/usr/bin/sudo"}},
			change: mode("/usr/bin/chage", 0o2755),
			want:   "/usr/bin/chage has a set-uid or set-gid bit; /usr/bin/passwd has a set-uid or set-gid bit; /usr/bin/su has a set-uid or set-gid bit",
			breaks: []broken{
				{mode("/opt/a b\n'c", 0o4755), "/opt/a b?'c has a set-uid or set-gid bit"},
				{mode("/tmp/gid", 0o2755), "/tmp/gid has a set-uid or set-gid bit"},
			},
		},
		"no-world-writable": {
			set:    controls.Setting{Kind: "no-world-writable"},
			change: func(t *testing.T, root string) { mode("/srv/open", 0o666)(t, root); mkdir(t, root+"/srv/all", 0o777) },
			want:   "/srv/open can be written by everybody; /srv/all can be written by everybody and is not sticky",
			breaks: []broken{
				{mode("/srv/-rf", 0o622), "/srv/-rf can be written by everybody"},
				{func(t *testing.T, root string) { mkdir(t, root+"/tmp", 0o777) }, "/tmp can be written by everybody and is not sticky"},
			},
		},
		"no-password": {
			set:    controls.Setting{Kind: "no-password"},
			change: replace("/etc/shadow", "root::1::::::\na:$y$j9T$x:1::::::\nb:!$6$x:1::::::\nc:!*:1::::::\nd:*:1::::::\n"),
			want:   "/etc/shadow has a password for root, an empty one; /etc/shadow has a password for a; /etc/shadow has a password for b",
			breaks: []broken{
				{replace("/etc/shadow", "root:AbCdEfGhIjKlM:1::::::\n"), "/etc/shadow has a password for root"},
				{replace("/etc/passwd", "root::0:0::/:/bin/sh\n"), "/etc/passwd has a password for root, an empty one"},
				{replace("/etc/gshadow", "admins:$6$x::\n"), "/etc/gshadow has a password for admins"},
				{replace("/etc/passwd", "+::::::\n"), "/etc/passwd takes entries from elsewhere"},
				{func(t *testing.T, root string) { link(t, "/etc/issue", root+"/etc/shadow") }, "/etc/shadow is not a file"},
			},
		},
		"no-login": {
			set:  controls.Setting{Kind: "no-login"},
			want: "root has the login shell /bin/bash",
			breaks: []broken{
				{replace("/etc/passwd", "sync:x:4:1::/bin:/bin/sync\n"), "sync has the login shell /bin/sync"},
				{replace("/etc/passwd", "git:x:9:9::/:\n"), "git has the login shell /bin/sh"},
				{replace("/usr/bin/false", "program"), "www-data has /usr/sbin/nologin in the place of a shell, which is not there"},
			},
		},
		"no-words": {
			set:    controls.Setting{Kind: "no-words", Paths: []string{"/etc/pam.d/common-auth", "/etc/pam.d/none"}, Names: []string{"nullok"}},
			change: replace("/etc/pam.d/common-auth", "# nullok\nauth [success=1 default=ignore]\tpam_unix.so nullok\n"),
			want:   "/etc/pam.d/common-auth says nullok",
			breaks: []broken{
				{replace("/etc/pam.d/common-auth", " auth\tpam_unix.so\tnullok try_first_pass\n"), "/etc/pam.d/common-auth says nullok"},
				{func(t *testing.T, root string) { link(t, "/etc/x", root+"/etc/pam.d/common-auth") }, "/etc/pam.d/common-auth is not a file"},
			},
		},
		"no-setgid-folders": {
			set: controls.Setting{Kind: "no-setgid-folders", Except: []string{"/var/mail"}},
			change: func(t *testing.T, root string) {
				mkdir(t, root+"/srv/shared", 0o2775)
				mkdir(t, root+"/var/mail", 0o2775)
			},
			want:   "/srv/shared is a folder with a set-gid bit",
			breaks: []broken{{func(t *testing.T, root string) { mkdir(t, root+"/opt/x", 0o2755) }, "/opt/x is a folder with a set-gid bit"}},
		},
		"no-capabilities": {
			set:    controls.Setting{Kind: "no-capabilities"},
			change: capable("/usr/bin/su"),
			want:   "/usr/bin/su has the capabilities sys_admin",
			breaks: []broken{
				{capable("/opt/a\nb"), "/opt/a?b has the capabilities sys_admin"},
			},
		},
		"no-devices": {
			set:    controls.Setting{Kind: "no-devices"},
			change: node("/opt/disk", unix.S_IFBLK|0o666, 254, 0),
			want:   "/opt/disk is the device b 254:0",
			breaks: []broken{{node("/etc/mem", unix.S_IFCHR|0o600, 1, 1), "/etc/mem is the device c 1:1"}},
		},
		"no-acls": {
			set:    controls.Setting{Kind: "no-acls", Except: []string{"/var/log/journal"}},
			change: attribute("/etc/shadow", "system.posix_acl_access", list),
			want:   "/etc/shadow has an access list",
			breaks: []broken{{func(t *testing.T, root string) {
				mkdir(t, root+"/srv/x", 0o755)
				mkdir(t, root+"/var/log/journal/y", 0o755)
				attribute("/var/log/journal/y", "system.posix_acl_default", list)(t, root)
				attribute("/srv/x", "system.posix_acl_default", list)(t, root)
			}, "/srv/x has an access list"}},
		},
		"root-owned": {
			set: controls.Setting{Kind: "root-owned", Paths: []string{"/usr", "/etc/pam.d"}},
			change: func(t *testing.T, root string) {
				must(t, os.Lchown(root+"/usr/bin/su", 65534, 0))
				mkdir(t, root+"/usr/local/lib", 0o2775)
				must(t, os.Lchown(root+"/usr/local/lib", 0, 50))
				mkdir(t, root+"/srv/own", 0o755)
				must(t, os.Lchown(root+"/srv/own", 33, 33))
				mkdir(t, root+"/etc/pam.d2", 0o755)
				must(t, os.Lchown(root+"/etc/pam.d2", 33, 33))
			},
			want: "/usr/bin/su belongs to 65534; /usr/local/lib can be written by the group 50",
			breaks: []broken{
				{func(t *testing.T, root string) {
					mkdir(t, root+"/etc/pam.d", 0o755)
					must(t, os.Lchown(root+"/etc/pam.d", 33, 0))
				}, "/etc/pam.d belongs to 33"},
				{func(t *testing.T, root string) { must(t, os.Lchown(root+"/usr", 33, 0)) }, "/usr belongs to 33"},
			},
		},
		"no-image-names": {
			set:    controls.Setting{Kind: "no-image-names"},
			change: attribute("/tmp", "trusted.overlay.opaque", "y"),
			want:   "/tmp has an attribute that hides files in an image",
			breaks: []broken{
				{replace("/var/lib/dpkg/.wh.status", ""), "/var/lib/dpkg/.wh.status is a name that hides another in an image"},
				{replace("/usr/share/.wh..wh..opq", ""), "/usr/share/.wh..wh..opq is a name that hides another in an image"},
			},
		},
		"accounts": {
			set: controls.Setting{Kind: "accounts"}, untouched: true,
			change: func(t *testing.T, root string) {
				replace("/etc/passwd", "root:x:0:0::/:\ntoor:x:00:1::/:\na:x:5:5::/:\nb:x:5:0::/:\na:x:6:33::/:\nc:x::33::/:\n")(t, root)
				replace("/etc/group", "root:x:0:\na:x:000:\nb:x:33:\n")(t, root)
			},
			want: "the group a has the number of root; the groups root and a have the number 0; toor is in the group 1, which does not exist; a is in the group 5, which does not exist; " +
				"b is in the group of root; /etc/passwd has two accounts with the name a; the account toor has the number of root; the account c has no number; " +
				"the accounts root and toor have the number 0; the accounts a and b have the number 5",
			breaks: []broken{{replace("/etc/shadow", "a:!:\na:!:\n"), "/etc/shadow has two accounts with the name a"}},
		},
		"process": {
			set: controls.Setting{Kind: "process", Values: map[string]string{"NoNewPrivs": "1"}}, untouched: true,
			change: process("NoNewPrivs:\t0\nUid:\t33\t33\t33\t0\nGid:\t33 33 33 33\nCapEff:\t0000000000000400\nCapBnd:\t0000000000000001\n"),
			want:   "the process web has NoNewPrivs 0, not 1; the process web has the user 0, not 33; the process web has the capability chown (CapBnd)",
			breaks: []broken{
				{process("NoNewPrivs:\t1\nUid:\t0\nGid:\t33\n"), "the process web has the user 0, not 33"},
				{func(t *testing.T, root string) { must(t, os.RemoveAll(root+"/sys")) }, "no process of app-web.service runs"},
				{replace("/etc/passwd", "root:x:0:0::/:/usr/sbin/nologin\n"), "there is no user www-data"},
			},
		},
		"ports": {set: controls.Setting{Kind: "ports"}, untouched: true, change: sockets("tcp", "00000000:14EB", "0A"), want: "something listens on port 5355/tcp"},
		"sysctl": {
			set:  controls.Setting{Kind: "sysctl", Values: map[string]string{"kernel.kptr_restrict": "2", "net.ipv4.conf.all.rp_filter": "1"}},
			want: "kernel.kptr_restrict is not set; net.ipv4.conf.all.rp_filter is not set",
			breaks: []broken{
				{replace("/etc/sysctl.d/99-app.conf", "kernel/kptr_restrict=0"), "kernel.kptr_restrict is 0, not 2"},
				{replace("/usr/lib/sysctl.d/99-app.conf", " - kernel.kptr_restrict = 1\n"), "kernel.kptr_restrict is 1, not 2"},
				{replace("/usr/lib/sysctl.d/10-app.conf", "net.ipv4.conf.*.rp_filter = 2\n"), "net.ipv4.conf.*.rp_filter is 2"},
				{func(t *testing.T, root string) { link(t, "/dev/null", root+"/etc/sysctl.d/90-bakelite.conf") }, "kernel.kptr_restrict is not set"},
			},
		},
		"module": {
			set:  controls.Setting{Kind: "module", Names: []string{"usb-storage"}},
			want: "usb-storage is not blacklisted; usb-storage can be loaded",
			breaks: []broken{
				{replace("/etc/modprobe.d/a.conf", "install usb_storage /sbin/modprobe -i usb_storage\n"), "usb-storage can be loaded"},
				{replace("/etc/modprobe.d/90-bakelite.conf", "install usb-storage /bin/false\n"), "usb-storage is not blacklisted"},
			},
		},
		"config words": {
			set:  controls.Setting{Kind: "config", Syntax: "words", Path: "/etc/login.defs", Values: map[string]string{"PASS_MAX_DAYS": "365", "UMASK": "027", "HOME_MODE": "0700"}},
			want: "HOME_MODE in /etc/login.defs is not set, not 0700; PASS_MAX_DAYS in /etc/login.defs is 99999, not 365; UMASK in /etc/login.defs is 022, not 027",
			breaks: []broken{
				{replace("/etc/login.defs", "UMASK 027\nHOME_MODE 0700\nPASS_MAX_DAYS 365\nUMASK 000\n"), "UMASK in /etc/login.defs is 000, not 027"},
				{func(t *testing.T, root string) { must(t, os.Remove(root+"/etc/login.defs")) }, "/etc/login.defs is missing or not a file"},
			},
		},
		"config sshd": {
			set:  controls.Setting{Kind: "config", Syntax: "sshd", Path: "/etc/ssh/sshd_config.d/01-bakelite.conf", Values: map[string]string{"PasswordAuthentication": "no"}},
			want: "sshd sets passwordauthentication to its default, not no",
			breaks: []broken{
				{replace("/etc/ssh/sshd_config.d/00-app.conf", "passwordauthentication=YES\n"), "sshd sets passwordauthentication to yes, not no"},
				{replace("/etc/ssh/sshd_config.d/50-app.conf", "Match User a\n  PasswordAuthentication yes\n"), "a Match block sets passwordauthentication yes"},
				{replace("/etc/ssh/sshd_config.d/00-app.conf", "Include /srv/x\n"), "sshd includes /srv/x"},
				{replace("/etc/ssh/sshd_config", "PasswordAuthentication \"yes\"\nInclude /etc/ssh/sshd_config.d/*.conf\n"), "sshd sets passwordauthentication to yes, not no"},
				{replace("/etc/ssh/sshd_config", "UsePAM yes\n"), "sshd sets passwordauthentication to its default, not no"},
			},
		},
		"kernel-argument": {
			set:  controls.Setting{Kind: "kernel-argument", Names: []string{"pti=on", "slab_nomerge"}},
			want: "there is no kernel command line to look at",
			line: "quiet slab_nomerge pti=on\n",
			breaks: []broken{
				{replace("/proc/cmdline", "slab_nomerge\n"), "the kernel command line lacks pti=on"},
				{replace("/proc/cmdline", "slab_nomerge pti=on pti=off\n"), "the kernel command line ends with pti=off"},
			},
		},
		// What only a running kernel shows: TestTamperedMachine.
		"kernel-state": {set: controls.Setting{Kind: "kernel-state", Values: map[string]string{"/proc/sys/kernel/panic_on_oops": "1"}}, untouched: true},
		"refused":      {set: controls.Setting{Kind: "refused", Names: []string{"io-uring"}}, untouched: true},
		"mount-option": {
			set:    controls.Setting{Kind: "mount-option", Path: "/tmp", Options: []string{"nodev", "nosuid"}},
			change: replace("/etc/fstab", "# tmpfs /tmp tmpfs nodev,nosuid 0 0\n"),
			want:   "/etc/fstab does not name /tmp",
			breaks: []broken{
				{replace("/etc/fstab", "tmpfs /tmp tmpfs rw,nosuid 0 0\n"), "/tmp is mounted without nodev"},
			},
		},
	}
}

func TestEveryKindIsTested(t *testing.T) {
	tests := kindTests()
	for _, name := range controls.KindNames() {
		if _, ok := tests[name]; !ok {
			t.Errorf("the kind %s has no test", name)
		}
		if kinds()[name] == nil {
			t.Errorf("nothing checks the kind %s", name)
		}
	}
}

func TestKindHoldsAfterApplyingAndFailsWhenBroken(t *testing.T) {
	for name, test := range kindTests() {
		t.Run(name, func(t *testing.T) {
			for i, b := range append([]broken{{}}, test.breaks...) {
				root, _ := newTree(t)
				if test.change != nil {
					test.change(t, root)
				}
				cs := only(test.set)
				expect(t, cs, root, test.want)
				if applyTwice(t, cs, root); test.untouched {
					expect(t, cs, root, test.want)
					root, _ = newTree(t)
				}
				if test.set.Kind == "mount-option" {
					replace("/etc/fstab", "tmpfs /tmp tmpfs rw,nosuid,nodev 0 0\n")(t, root)
				}
				if test.set.Kind == controls.Process {
					process("NoNewPrivs:\t1\nUid:\t33 33 33 33\nGid:\t33 33 33 33\nCapEff:\t400\n")(t, root)
				}
				expect(t, cs, root, "", cmdline(test.line))
				if i > 0 {
					b.change(t, root)
					expect(t, cs, root, b.want)
				}
			}
		})
	}
}

// applyTwice fails where a second run changes anything.
func applyTwice(t *testing.T, cs []controls.Control, root string) {
	t.Helper()
	applied(t, cs, root)
	once := digest(t, root)
	applied(t, cs, root)
	if digest(t, root) != once {
		t.Error("applying a second time changed the tree")
	}
}

// expect wants the only control to fail with a detail, or to pass with "".
func expect(t *testing.T, cs []controls.Control, root, want string, all ...func(*given)) {
	t.Helper()
	r := check(t, cs, root, all...)[cs[0].ID]
	if r.Passed != (want == "") || !strings.Contains(r.Detail, want) {
		t.Errorf("passed is %v, the detail %q; want %q", r.Passed, r.Detail, want)
	}
}
