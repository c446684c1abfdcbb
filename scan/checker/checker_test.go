package checker_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/checker"
	"github.com/bakelite/bakelite/scan/child"
	"github.com/bakelite/bakelite/scan/content/made"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/controls/apply"
	"github.com/bakelite/bakelite/scan/controls/catalogue"
	"github.com/bakelite/bakelite/scan/controls/check"
	"github.com/bakelite/bakelite/scan/protocol"
)

// TestMain is the test, and what child.Checker starts.
func TestMain(m *testing.M) {
	checker.Answer()
	os.Exit(m.Run())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func known(t testing.TB) []controls.Control {
	t.Helper()
	cs, err := catalogue.Load()
	must(t, err)
	return cs
}

// hardened is a small system with all controls of a kind in force.
func hardened(t *testing.T, kind string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: controls are applied as root")
	}
	dir := filepath.Join(t.TempDir(), "tree")
	made.Folder(t, dir, made.Tree{
		"etc/passwd": "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/bin/sh\n", "etc/shadow": "root:*:1::::::\nwww-data:*:1::::::\n",
		"etc/group": "root:x:0:\nwww-data:x:33:\nshadow:x:42:\n", "usr/bin/dash": "program", "usr/bin/id": "program", "var/lib/dpkg/status": "Package: dash\n",
		"etc/fstab": "tmpfs /tmp tmpfs nosuid,nodev,noexec 0 0\ndevtmpfs /dev devtmpfs nosuid,noexec 0 0\ntmpfs /dev/shm tmpfs nosuid,nodev,noexec 0 0\nx /var ext4 nosuid,nodev 0 2\n",
	})
	must(t, os.Chmod(dir, 0o755))
	root, err := os.OpenRoot(dir)
	must(t, err)
	defer root.Close()
	must(t, apply.To(root, controls.For(known(t), kind, 2), apply.Options{}))
	return dir
}

// subject is a tree as it ships.
func subject(t *testing.T, kind, dir string) protocol.Root {
	t.Helper()
	to := filepath.Join(t.TempDir(), kind)
	if kind == controls.Container {
		digest := made.Image(t, to, made.Gzip(t, made.TarOf(t, dir)))
		return protocol.Root{Name: kind, Kind: protocol.Image, Path: to, Digest: digest}
	}
	made.Disk(t, dir, to, "qcow2")
	text, err := os.ReadFile(to)
	must(t, err)
	return protocol.Root{Name: kind, Kind: protocol.Disk, Path: to, Digest: made.Digest(text)}
}

// failing are the controls that fail in a subject, with their details; those of
// the kernel's command line, which these disks lack, are left out.
func failing(t *testing.T, kind string, r protocol.Root, o check.Options) []string {
	t.Helper()
	found, err := child.Checker{Word: checker.Word}.Check(t.Context(), []protocol.Root{r}, []protocol.Check{{Controls: controls.For(known(t), kind, 2), Options: o}})
	must(t, err)
	var all []string
	for _, result := range found[0] {
		if !result.Passed && !strings.HasPrefix(result.ID, "BK-BOOT-") {
			all = append(all, result.ID+" "+result.Detail)
		}
	}
	return all
}

func appended(name, text string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		must(t, os.MkdirAll(filepath.Dir(dir+name), 0o755))
		f, err := os.OpenFile(dir+name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		must(t, err)
		_, err = f.WriteString(text)
		must(t, errors.Join(err, f.Close()))
	}
}

// TestAttacks undoes controls after they were applied, as a step or a file of an
// app can, and wants each to be seen in what ships.
func TestAttacks(t *testing.T) {
	for name, test := range map[string]struct {
		attack func(t *testing.T, dir string)
		want   []string
		only   string
	}{
		"SetUIDShellByAStep": {
			func(t *testing.T, dir string) { must(t, unix.Chmod(dir+"/usr/bin/dash", 0o4755)) }, []string{"BK-FS-0x /usr/bin/dash has a set-uid or set-gid bit"}, "",
		},
		"RootWithoutPasswordByAStep": {
			func(t *testing.T, dir string) {
				must(t, os.WriteFile(dir+"/etc/shadow", []byte("root::1::::::\n"), 0o640))
				must(t, os.WriteFile(dir+"/etc/passwd", []byte("root::0:0:root:/root:/usr/sbin/nologin\n"), 0o644))
			},
			[]string{"BK-ACC-01 /etc/shadow has a password for root, an empty one; /etc/passwd has a password for root, an empty one"}, "",
		},
		"SecondRootByAStep": {
			appended("/etc/passwd", "toor:x:0:33::/:/usr/sbin/nologin\n"), []string{"BK-ACC-07 the account toor has the number of root; the accounts root and toor have the number 0"}, "",
		},
		"WorldWritableFileByTheApp": {
			func(t *testing.T, dir string) {
				appended("/srv/open", "")(t, dir)
				must(t, unix.Chmod(dir+"/srv/open", 0o666))
			},
			[]string{"BK-FS-03 /srv/open can be written by everybody"}, "",
		},
		"DeviceNodeByAStep": {
			func(t *testing.T, dir string) {
				must(t, unix.Mknod(dir+"/etc/b", unix.S_IFBLK|0o600, int(unix.Mkdev(254, 0))))
				must(t, unix.Mknod(dir+"/var/b", unix.S_IFBLK|0o600, int(unix.Mkdev(254, 16))))
				must(t, unix.Chmod(dir+"/var/b", 0o666))
			},
			[]string{"BK-FS-10 /etc/b is the device b 254:0; /var/b is the device b 254:16"}, "",
		},
		"FileCapabilityByAStep": {
			func(t *testing.T, dir string) {
				for _, file := range []string{"/usr/bin/id", "/var/lib/dpkg/status"} { // on squashfs, and on ext4
					must(t, unix.Setxattr(dir+file, "security.capability", []byte("\x01\x00\x00\x02\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 0))
				}
			},
			[]string{"BK-FS-09 /usr/bin/id has the capabilities sys_admin; /var/lib/dpkg/status has the capabilities sys_admin"}, "",
		},
		"OwnerByAStep": { // chown -R nobody /usr/sbin
			func(t *testing.T, dir string) {
				must(t, os.Lchown(dir+"/usr/bin/id", 65534, 0))
				must(t, os.Lchown(dir+"/usr/bin", 65534, 0))
				must(t, os.Lchown(dir+"/etc/passwd", 0, 0))
			},
			[]string{"BK-FS-14 /usr/bin belongs to 65534; /usr/bin/id belongs to 65534"}, "",
		},
		"LibraryOfEveryProgramByAStep": {
			appended("/etc/ld.so.preload", "/srv/evil.so\n"), []string{"BK-FS-15 /etc/ld.so.preload is there"}, "",
		},
		"TimedJobByAStep": {
			func(t *testing.T, dir string) {
				must(t, os.MkdirAll(dir+"/var/spool/cron/crontabs", 0o755))
				appended("/var/spool/cron/crontabs/root", "* * * * * /srv/evil\n")(t, dir)
			},
			[]string{"BK-FS-16 /var/spool/cron/crontabs/root is there"}, "",
		},
		"KeyOfRootByAStep": {
			func(t *testing.T, dir string) {
				must(t, os.MkdirAll(dir+"/root/.ssh", 0o755))
				appended("/root/.ssh/authorized_keys", "ssh-ed25519 AAAA\n")(t, dir)
			},
			[]string{"BK-FS-06 /root has mode 755, not 700; /root/.ssh/authorized_keys is there"}, "",
		},
		"SetGIDFolderByAStep": {
			func(t *testing.T, dir string) {
				must(t, os.MkdirAll(dir+"/srv/shared", 0o755))
				must(t, unix.Chmod(dir+"/srv/shared", 0o2775))
			},
			[]string{"BK-FS-11 /srv/shared is a folder with a set-gid bit"}, "",
		},
		"AccessListByAStep": {
			func(t *testing.T, dir string) {
				list := "\x02\x00\x00\x00\x01\x00\x06\x00\xff\xff\xff\xff\x02\x00\x04\x00\x21\x00\x00\x00\x04\x00\x04\x00\xff\xff\xff\xff\x10\x00\x04\x00\xff\xff\xff\xff\x20\x00\x04\x00\xff\xff\xff\xff"
				must(t, unix.Setxattr(dir+"/var/lib/dpkg/status", "system.posix_acl_access", []byte(list), 0))
			},
			[]string{"BK-FS-12 /var/lib/dpkg/status has an access list"}, controls.Disk, // no tar of ours has them
		},
		"SysctlByAStep": {
			appended("/usr/lib/sysctl.d/99-zz.conf", "kernel.dmesg_restrict=0\n"), []string{"BK-KRN-01 kernel.dmesg_restrict is 0, not 1"}, controls.Disk,
		},
		"ModuleByAStep": {
			appended("/etc/modprobe.d/zz.conf", "install usb_storage /sbin/modprobe -i usb_storage\n"), []string{"BK-MOD-03 usb-storage can be loaded"}, controls.Disk,
		},
		"WhiteoutByAFilesName": {
			appended("/var/lib/dpkg/.wh.status", "x"), []string{"BK-FS-13 /var/lib/dpkg/.wh.status is a name that hides another in an image"}, controls.Disk,
		},
		"WhiteoutByAFilesNameInALayer": {
			appended("/var/lib/dpkg/.wh.status", "x"), []string{"BK-FS-13 /var/lib/dpkg/.wh.status hides what layers below it hold"}, controls.Container,
		},
		"OpaqueFolderByAFilesName": {
			appended("/usr/share/.wh..wh..opq", "x"), []string{"BK-FS-13 /usr/share/.wh..wh..opq hides what layers below it hold"}, controls.Container,
		},
	} {
		for _, kind := range []string{controls.Container, controls.Disk} {
			if test.only != "" && test.only != kind {
				continue
			}
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				dir := hardened(t, kind)
				if before := failing(t, kind, subject(t, kind, dir), check.Options{Own: true}); len(before) > 0 {
					t.Fatalf("before the attack: %q", before)
				}
				test.attack(t, dir)
				want := []string{strings.Replace(test.want[0], "BK-FS-0x", map[string]string{controls.Container: "BK-FS-01", controls.Disk: "BK-FS-02"}[kind], 1)}
				if got := failing(t, kind, subject(t, kind, dir), check.Options{Own: true}); !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		}
	}
}

// TestRightsOfTheAppFile lets single paths have what the app file names, and
// says so.
func TestRightsOfTheAppFile(t *testing.T) {
	dir := hardened(t, controls.Container)
	must(t, os.Symlink("usr/bin", dir+"/bin"))
	must(t, unix.Chmod(dir+"/usr/bin/dash", 0o4755))
	must(t, unix.Setxattr(dir+"/usr/bin/id", "security.capability", []byte("\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 0))
	r := subject(t, controls.Container, dir)
	rights := []controls.Right{{Path: "/bin/dash", SetUID: true}, {Path: "/usr/bin/id", Capabilities: []string{"net_raw"}}}
	if got := failing(t, controls.Container, r, check.Options{Own: true, Rights: rights}); len(got) > 0 {
		t.Errorf("what the app file names fails: %q", got)
	}
	rights[0].SetUID, rights[0].SetGID, rights[1].Capabilities = false, true, []string{"net_admin"}
	want := []string{"BK-FS-01 /usr/bin/dash has a set-uid or set-gid bit", "BK-FS-09 /usr/bin/id has the capabilities net_raw"}
	if got := failing(t, controls.Container, r, check.Options{Own: true, Rights: rights}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestLayersOfOthers lets the layers of an image that others made hide what is
// below them, but not the lowest.
func TestLayersOfOthers(t *testing.T) {
	dir := hardened(t, controls.Container)
	base := made.Gzip(t, made.TarOf(t, dir))
	mark := made.Gzip(t, made.Tar(t, made.Tree{"usr/bin/.wh.id": ""}))
	for name, test := range map[string]struct {
		layers []made.Layer
		own    bool
		want   int
	}{
		"above":       {[]made.Layer{base, mark}, false, 0},
		"lowest":      {[]made.Layer{mark, base}, false, 1},
		"above, ours": {[]made.Layer{base, mark}, true, 1},
	} {
		to := filepath.Join(t.TempDir(), "image")
		r := protocol.Root{Name: name, Kind: protocol.Image, Path: to, Digest: made.Image(t, to, test.layers...)}
		if got := failing(t, controls.Container, r, check.Options{Own: test.own}); len(got) != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestOtherBytesAreNotChecked changes what a digest names.
func TestOtherBytesAreNotChecked(t *testing.T) {
	for _, kind := range []string{controls.Container, controls.Disk} {
		r := subject(t, kind, hardened(t, kind))
		file := r.Path
		if kind == controls.Container {
			blobs, err := filepath.Glob(r.Path + "/blobs/sha256/*")
			must(t, err)
			slices.SortFunc(blobs, func(a, b string) int { return int(size(t, b) - size(t, a)) })
			file = blobs[0]
		}
		f, err := os.OpenFile(file, os.O_RDWR, 0)
		must(t, err)
		_, err = f.WriteAt([]byte{0xff}, size(t, file)-1)
		must(t, errors.Join(err, f.Close()))
		_, err = child.Checker{Word: checker.Word}.Check(t.Context(), []protocol.Root{r}, []protocol.Check{{Controls: known(t)}})
		if fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	must(t, err)
	return info.Size()
}

// TestCheckerIsShutIn has the child look for what it must not see; what it does
// with a request that it does not know is an error.
func TestCheckerIsShutIn(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(secret, []byte("x"), 0o644))
	_, err := child.Checker{Word: checker.Word}.Check(t.Context(), []protocol.Root{{Name: "folder", Kind: protocol.Folder, Path: t.TempDir()}}, []protocol.Check{{}})
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("a folder: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", checker.Word)
	cmd.Stdin = strings.NewReader("{}")
	out, err := cmd.Output()
	if err != nil || !strings.Contains(string(out), `"failure"`) {
		t.Errorf("an order of no version: %s, %v", out, err)
	}
}

// TestSlowCheckIsEnded bounds the child.
func TestSlowCheckIsEnded(t *testing.T) {
	r := subject(t, controls.Container, hardened(t, controls.Container))
	limits := child.Limits{Time: time.Nanosecond}
	_, err := child.Checker{Word: checker.Word, Limits: limits}.Check(t.Context(), []protocol.Root{r}, []protocol.Check{{Controls: known(t)}})
	if fault.KindOf(err) != fault.Internal {
		t.Errorf("no time: %v", err)
	}
}
