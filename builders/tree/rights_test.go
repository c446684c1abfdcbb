package tree_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree"
	"github.com/bakelite/bakelite/internal/capability"
)

// capable gives a file of the tree what setcap cap_sys_admin+ep does.
func (p *place) capable(name string) {
	p.Helper()
	value, err := capability.File([]string{"sys_admin"})
	p.must(err)
	p.must(unix.Lsetxattr(filepath.Join(p.tree, name), capability.Attribute, value, 0))
}

// attributes returns the names of the extended attributes of an entry.
func (p *place) attributes(name string) []string {
	p.Helper()
	buffer := make([]byte, 4096)
	n, err := unix.Llistxattr(filepath.Join(p.tree, name), buffer)
	p.must(err)
	return strings.FieldsFunc(string(buffer[:n]), func(c rune) bool { return c == 0 })
}

// TestRightsThatNobodyGave: a capability by setcap, a device by mknod, set-id
// bits, lists of access and other attributes survive in no artifact; once they
// did in both, and no control knew of them.
func TestRightsThatNobodyGave(t *testing.T) {
	p := newPlace(t)
	p.write(p.tree, "usr/bin/ping", "x", 0o755)
	p.capable("usr/bin/ping")
	p.write(p.tree, "usr/bin/sh", "x", 0o6755)
	p.write(p.tree, "srv/note", "x", 0o644)
	p.must(unix.Lsetxattr(filepath.Join(p.tree, "srv/note"), "user.x", []byte("y"), 0))
	p.must(unix.Lsetxattr(filepath.Join(p.tree, "srv/note"), "trusted.x", []byte("y"), 0))
	p.must(os.Mkdir(filepath.Join(p.tree, "srv/shared"), 0o755))
	p.must(unix.Chmod(filepath.Join(p.tree, "srv/shared"), 0o3777))
	p.must(unix.Mknod(filepath.Join(p.tree, "srv/disk"), unix.S_IFBLK|0o666, 254<<8))
	p.must(unix.Mknod(filepath.Join(p.tree, "srv/fifo"), unix.S_IFIFO|0o644, 0))
	p.acl("srv/note")
	p.must(p.run(tree.Request{Own: "steps", Strip: true}))
	p.mode("usr/bin/sh", 0o755)
	p.mode("srv/shared", 0o1777)
	p.gone("srv/disk")
	p.there("srv/fifo")
	for _, name := range []string{"usr/bin/ping", "srv/note"} {
		if got := p.attributes(name); len(got) > 0 {
			t.Errorf("%s has %q", name, got)
		}
	}
	for _, said := range []string{"security.capability of /usr/bin/ping", "system.posix_acl_access of /srv/note", "user.x of /srv/note", "/srv/disk: what runs the image gives it its devices"} {
		if !strings.Contains(p.said.String(), said) {
			t.Errorf("%q was not said:\n%s", said, p.said.String())
		}
	}
}

// acl gives user 33 more than the mode says (acl(5), version 2: a mask too).
func (p *place) acl(name string) {
	p.Helper()
	entry := func(tag, perm uint16, id uint32) []byte {
		return []byte{byte(tag), byte(tag >> 8), byte(perm), 0, byte(id), byte(id >> 8), byte(id >> 16), byte(id >> 24)}
	}
	const none = 0xffffffff
	value := bytes.Join([][]byte{{2, 0, 0, 0}, entry(1, 6, none), entry(2, 7, 33), entry(4, 4, none), entry(16, 7, none), entry(32, 4, none)}, nil)
	p.must(unix.Lsetxattr(filepath.Join(p.tree, name), "system.posix_acl_access", value, 0))
}

// TestRightsOfTheAppFile: what the app file names has what it says, and
// nothing else of what it had.
func TestRightsOfTheAppFile(t *testing.T) {
	p := newPlace(t)
	p.write(p.tree, "usr/bin/ping", "x", 0o755)
	p.capable("usr/bin/ping")
	p.write(p.tree, "usr/bin/mount", "x", 0o4755)
	p.write(p.tree, "usr/bin/sudo", "x", 0o4755)
	p.write(p.tree, "srv/shared/x", "x", 0o644)
	p.link("/usr/bin", p.tree, "bin")
	p.must(p.run(tree.Request{Strip: true, Own: "steps", Rights: []tree.Right{
		{Path: "/bin/ping", Capabilities: []string{"net_raw", "checkpoint_restore"}, Key: "rights[0]"},
		{Path: "/usr/bin/mount", SetUID: true, Key: "rights[1]"},
		{Path: "/srv/shared", SetGID: true, Key: "rights[2]"},
		{Path: "/usr/bin/sudo", SetUID: true}, {Path: "/usr/bin/none", SetUID: true},
	}}))
	p.mode("usr/bin/mount", 0o4755)
	p.mode("usr/bin/sudo", 0o4755)
	p.mode("srv/shared", 0o2755)
	got := make([]byte, 64)
	n, err := unix.Lgetxattr(filepath.Join(p.tree, "usr/bin/ping"), capability.Attribute, got)
	p.must(err)
	if want := []byte{1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}; !bytes.Equal(got[:n], want) {
		t.Errorf("the capabilities are % x, want % x", got[:n], want)
	}
	if getcap, err := exec.LookPath("getcap"); err == nil {
		said, err := exec.CommandContext(t.Context(), getcap, filepath.Join(p.tree, "usr/bin/ping")).CombinedOutput()
		if err != nil || !strings.HasSuffix(strings.TrimSpace(string(said)), " cap_net_raw,cap_checkpoint_restore=ep") {
			t.Errorf("getcap says %q (%v)", said, err)
		}
	}
	for name, right := range map[string]tree.Right{
		"absent":                {Path: "/usr/bin/none", SetUID: true},
		"a folder, not program": {Path: "/srv/shared", SetUID: true},
		"capabilities of one":   {Path: "/srv", Capabilities: []string{"net_raw"}},
	} {
		right.Key = "rights[4]"
		p.fails(name, p.run(tree.Request{Kind: "container", Rights: []tree.Right{right}}), "app file: rights[4].path: "+right.Path+" is no program in the container; next:")
	}
}

// TestRightByALinkOfTheApps: a right is what the gate is told by its path, so
// no link of the app's own leads from a harmless one to a program.
func TestRightByALinkOfTheApps(t *testing.T) {
	for key, ask := range map[string]tree.Request{
		"steps": {Own: "steps", Evidence: true}, "files": {Evidence: true, Put: []tree.Put{{From: "app", To: "/srv", Owner: "0", Key: "files[0]"}}},
	} {
		p := newPlace(t)
		for _, root := range []string{p.tree, p.before} {
			p.write(root, "usr/bin/env", "env", 0o755)
			p.link("usr/bin", root, "bin")
		}
		p.link("/usr/bin/env", p.files, "app/harmless")
		if key == "steps" {
			p.link("/usr/bin/env", p.tree, "srv/harmless")
		}
		ask.Rights = []tree.Right{{Path: "/srv/harmless", SetUID: true, Key: "rights[0]"}}
		p.fails(key, p.run(ask), "app file: rights[0].path: /srv/harmless leads by a link of the app's own to /usr/bin/env; next: name that path itself")
		p.must(os.Remove(filepath.Join(p.tree, "srv/harmless")))
		ask.Put, ask.Rights[0].Path = nil, "/bin/env"
		p.fails(key+", by the system's link", p.run(ask), "")
	}
}
