package check

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/controls/apply"
	"github.com/bakelite/bakelite/scan/controls/catalogue"
	"github.com/bakelite/bakelite/scan/tree"
)

// newTree makes a small root filesystem, as root, beside a folder that stands
// for the rest of the machine.
func newTree(t *testing.T) (root, outside string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: controls are applied as root; run this test as root")
	}
	dir := t.TempDir()
	root, outside = filepath.Join(dir, "tree"), filepath.Join(dir, "outside")
	write(t, outside+"/victim", "root:secret:0:0\n", 0o4777)
	for name, text := range map[string]string{
		"/etc/passwd":               "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n",
		"/etc/shadow":               "root:*:20000:0:99999:7:::\nwww-data:!*:20000::::::\n",
		"/etc/group":                "root:x:0:\nwww-data:x:33:\nshadow:x:42:\n",
		"/etc/login.defs":           "# comment\nPASS_MAX_DAYS\t99999\nUMASK 022\n",
		"/etc/issue":                "Debian \\n \\l\n",
		"/etc/ssh/sshd_config":      "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\nX11Forwarding yes\n",
		"/usr/sbin/sshd":            "program",
		"/usr/lib/sysctl.d/50.conf": "kernel.pid_max = 4194304\n",
	} {
		write(t, root+name, text, 0o644)
	}
	for _, name := range []string{"/usr/bin/su", "/usr/bin/sudo", "/usr/bin/passwd"} {
		write(t, root+name, "program", 0o4755)
	}
	mkdir(t, root+"/tmp", 0o1777)
	mkdir(t, root+"/root", 0o700)
	must(t, os.Chown(root+"/etc/shadow", 0, 42))
	must(t, os.Chmod(root+"/etc/shadow", 0o640))
	return root, outside
}

// write makes a file; mode holds the set-uid bit as chmod(1) writes it.
func write(t *testing.T, name, text string, mode uint32) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(name), 0o755))
	must(t, os.WriteFile(name, []byte(text), 0o600))
	must(t, syscall.Chmod(name, mode))
}

func mkdir(t *testing.T, name string, mode uint32) {
	t.Helper()
	must(t, os.MkdirAll(name, 0o755))
	must(t, syscall.Chmod(name, mode))
}

// link replaces what is at name by a symbolic link.
func link(t *testing.T, to, name string) {
	t.Helper()
	must(t, os.RemoveAll(name))
	must(t, os.MkdirAll(filepath.Dir(name), 0o755))
	must(t, os.Symlink(to, name))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// given is what a test says beside the tree.
type given struct {
	admin, cmdline string
	running        bool
	date           time.Time
	rights         []controls.Right
	more           func(*Options)
}

func with(all []func(*given)) given {
	var g given
	for _, set := range all {
		set(&g)
	}
	return g
}

func admin(name string) func(*given)   { return func(g *given) { g.admin = name } }
func cmdline(line string) func(*given) { return func(g *given) { g.cmdline = line } }
func running(g *given)                 { g.running = true }
func dated(g *given)                   { g.date = time.Unix(1735689600, 0) }

// tryApply applies controls as a step of a build does.
func tryApply(t *testing.T, cs []controls.Control, root string, all ...func(*given)) error {
	t.Helper()
	g := with(all)
	folder, err := os.OpenRoot(root)
	must(t, err)
	defer folder.Close()
	return apply.To(folder, cs, apply.Options{Admin: g.admin, Rights: g.rights, Date: g.date})
}

func applied(t *testing.T, cs []controls.Control, root string, all ...func(*given)) {
	t.Helper()
	must(t, tryApply(t, cs, root, all...))
}

// check returns the results by identifier.
func check(t *testing.T, cs []controls.Control, root string, all ...func(*given)) map[string]controls.Result {
	t.Helper()
	g := with(all)
	before := digest(t, root)
	folder, err := tree.OpenFolder(root)
	must(t, err)
	defer folder.Close()
	s, o := Subject{Tree: folder, Running: g.running}, Options{
		Admin: g.admin, Rights: g.rights, Own: true,
		Service: &Service{Unit: "app-web.service", User: "www-data", Capabilities: []string{"net_bind_service"}},
	}
	if g.cmdline != "" {
		s.Cmdline = func() (string, error) { return g.cmdline, nil }
	}
	if g.more != nil {
		g.more(&o)
	}
	results, err := Tree(t.Context(), s, cs, o)
	must(t, err)
	must(t, controls.Complete(results, cs))
	if digest(t, root) != before {
		t.Fatal("the check changed the tree")
	}
	byID := map[string]controls.Result{}
	for _, r := range results {
		byID[r.ID] = r
	}
	return byID
}

// digest covers everything that a tar file of the tree would hold.
func digest(t *testing.T, root string) string {
	t.Helper()
	hash := sha256.New()
	must(t, filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		owner := info.Sys().(*syscall.Stat_t)
		fmt.Fprintf(hash, "%q %v %d:%d %d\n", name, info.Mode(), owner.Uid, owner.Gid, info.ModTime().UnixNano())
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(name)
			fmt.Fprintf(hash, "%q %v\n", text, err)
		}
		to, _ := os.Readlink(name)
		fmt.Fprintf(hash, "%q\n", to)
		return nil
	}))
	return hex.EncodeToString(hash.Sum(nil))
}

// only makes a control of settings.
func only(settings ...controls.Setting) []controls.Control {
	return []controls.Control{{ID: "BK-TEST-01", Title: "A control of a test", Level: 1, On: []string{controls.Disk}, Sets: settings}}
}

func load(t *testing.T) []controls.Control {
	t.Helper()
	cs, err := catalogue.Load()
	must(t, err)
	return cs
}
