package tree_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree"
)

// TestWhiteouts: a name by which a layer says that something is gone is
// refused, whoever made it. `files: - {content: x, to: /var/lib/dpkg/.wh.status}`
// once hid all packages from the scan.
func TestWhiteouts(t *testing.T) {
	for _, name := range []string{"var/lib/dpkg/.wh.status", "usr/share/.wh..wh..opq", ".wh..wh.plnk/7.8", ".wh.etc/deep/below"} {
		p := newPlace(t)
		p.write(p.tree, name, "x", 0o644)
		shown := "/" + name[:strings.Index(name+"/x", "/")]
		if strings.HasPrefix(name, "var") || strings.HasPrefix(name, "usr") {
			shown = "/" + name
		}
		p.fails(name, p.run(tree.Request{Own: "steps"}), "app file: steps: "+shown+" was made, which cannot be put into an image: its name begins with .wh., by which images say that something was removed; next: name it otherwise")
		if err := p.run(tree.Request{Packages: true}); err == nil || !strings.Contains(err.Error(), "a package holds "+shown) {
			t.Errorf("in a package %s gave %v", name, err)
		}
		put := tree.Request{Put: []tree.Put{{Content: []byte("x"), To: "/" + name, Owner: "0", Key: "files[0]"}}}
		p.fails("a file as "+name, newPlace(t).run(put), "app file: files[0]: /"+name+" cannot be put into an image: its name begins with .wh.")
	}
	p := newPlace(t)
	p.write(p.tree, "srv/a.wh.b", "x", 0o644)
	p.write(p.tree, "srv/.what", "x", 0o644)
	p.fails("others", p.run(tree.Request{Own: "steps"}), "")
}

// TestNames: what no format of image can hold is refused with its place; what
// only looks odd stays.
func TestNames(t *testing.T) {
	p := newPlace(t)
	odd := []string{`a\x2db.mount`, "line\nbreak", "ü", " ", "-rf", strings.Repeat("n", 255), "tab\t$(x)`y`;*?"}
	for _, name := range odd {
		p.write(p.tree, "srv/"+name, "x", 0o644)
	}
	p.fails("odd names", p.run(tree.Request{Own: "steps"}), "")
	for _, name := range odd {
		p.there("srv/" + name)
	}
	p.write(p.tree, "srv/caf\xe9", "x", 0o644)
	p.fails("Latin-1", p.run(tree.Request{Own: "base.dockerfile"}), `app file: base.dockerfile: "/srv/caf\xe9" was made, which cannot be put into an image: its name is not UTF-8`)
}

// TestLostWork: what others made where nothing is seen goes and is said to, but
// for the folders of the service, which are mounted on.
func TestLostWork(t *testing.T) {
	p := newPlace(t)
	p.link("/run", p.tree, "var/run")
	p.write(p.tree, "tmp/pip/x", "x", 0o644)
	p.write(p.tree, "run/app.pid", "x", 0o644)
	p.write(p.tree, "var/tmp/y", "x", 0o644)
	p.write(p.tree, "boot/z", "x", 0o644)
	p.write(p.tree, "srv/x", "x", 0o644)
	p.write(p.before, "tmp/was", "x", 0o644)
	p.write(p.tree, "tmp/was", "x", 0o644)
	socket, err := net.Listen("unix", filepath.Join(p.tree, "srv/agent"))
	p.must(err)
	defer socket.Close()
	p.write(p.tree, "run/web/state/x", "x", 0o644)
	user := &tree.User{Name: "web"}
	p.must(p.run(tree.Request{Own: "steps", User: user, Folders: []tree.Folder{{Path: "/var/run/web/state", Mode: 0o750}}}))
	p.gone("run/web/state/x", "tmp/pip", "run/app.pid", "var/tmp/y", "boot/z", "srv/agent")
	p.there("srv/x", "tmp/was", "var/run")
	for _, said := range []string{"left out: /tmp/pip: /tmp is filled or emptied", "left out: /run/app.pid: ", "left out: /var/tmp/y: ", "left out: /boot/z: ", "left out: /srv/agent: images hold no sockets"} {
		if !strings.Contains(p.said.String(), said) {
			t.Errorf("%q was not said:\n%s", said, p.said.String())
		}
	}
	p.mode("run/web/state", 0o750)
	p.owner("run/web/state", 33, 34)
}

// TestMuchLeftOut: of many things that are left out some are named and all are
// counted.
func TestMuchLeftOut(t *testing.T) {
	p := newPlace(t)
	for i := range 25 {
		p.write(p.tree, "tmp/"+strings.Repeat("x", i+1), "", 0o644)
	}
	p.must(p.run(tree.Request{Own: "steps"}))
	if lines := strings.Count(p.said.String(), "\n"); lines != 11 || !strings.HasSuffix(p.said.String(), "left out: 15 more\n") {
		t.Errorf("it said\n%s", p.said.String())
	}
}

// TestOwnPartStays: what packages and trims take away is no part of the app's
// own, wherever that lies; what only the package tools need goes all the same.
func TestOwnPartStays(t *testing.T) {
	p := newPlace(t)
	for _, root := range []string{p.before, p.tree} {
		for _, name := range []string{"etc/default/theirs", "etc/theirs", "usr/bin/replaced", "var/lib/dpkg/info/old.list", "srv/empty/x"} {
			p.write(root, name, "theirs", 0o644)
		}
		p.write(root, "var/lib/dpkg/info/pkg.list", "/.\n/usr\n/usr/bin\n/usr/bin/replaced\n/usr/bin/gone\n/usr/share/doc\n", 0o644)
		p.write(root, "var/lib/dpkg/status", "Package: pkg\nStatus: install ok installed\n\nPackage: stays\n\n", 0o644)
		p.write(root, "usr/bin/gone", "theirs", 0o755)
	}
	copyDates(t, p.tree, p.before)
	p.write(p.tree, "etc/default/mine", "mine", 0o644)
	p.write(p.tree, "usr/bin/replaced", "mine, of another length", 0o755)
	p.write(p.tree, "var/lib/dpkg/info/new.list", "", 0o644)
	p.link("/nowhere/yet", p.tree, "usr/share/mine")
	p.must(os.MkdirAll(filepath.Join(p.tree, "mnt/mine"), 0o755))
	p.must(p.run(tree.Request{Own: "steps", Remove: []string{"pkg"}, Trim: []string{"etc/default", "mnt", "srv/*"}, Drop: []string{"var/lib/dpkg/info"}}))
	p.there("etc/default/mine", "usr/bin/replaced", "mnt/mine", "etc/theirs")
	p.gone("etc/default/theirs", "usr/bin/gone", "var/lib/dpkg/info", "srv/empty")
	if got := p.text("usr/bin/replaced"); got != "mine, of another length" {
		t.Errorf("it became %q", got)
	}
	if got := p.text("var/lib/dpkg/status"); got != "Package: stays\n\n" {
		t.Errorf("the package database is %q", got)
	}
	if got, err := os.Readlink(filepath.Join(p.tree, "usr/share/mine")); err != nil {
		t.Errorf("a link of the app's is gone: %q, %v", got, err)
	}
}

// TestClean: what differs from run to run goes, by patterns as a shell reads
// them, and does not lead out by a link.
func TestClean(t *testing.T) {
	p := newPlace(t)
	outside := t.TempDir()
	p.write(outside, "cache/x", "x", 0o644)
	p.write(p.tree, "var/log/apt/term.log", "x", 0o644)
	p.write(p.tree, "var/log/.keep", "x", 0o644)
	p.write(p.tree, "etc/ssh/ssh_host_rsa_key.pub", "x", 0o644)
	p.write(p.tree, "etc/ssh/sshd_config", "x", 0o644)
	p.write(p.tree, "etc/machine-id", "0123\n", 0o444)
	p.write(p.tree, "etc/shadow", "root:*:20000:0:99999:7:::\nweb:!::0::::\nodd:x:y:z\n", 0o640)
	p.link(outside, p.tree, "var/away")
	p.must(p.run(tree.Request{Clean: []string{"var/log/*", "etc/ssh/ssh_host_*_key*", "var/away/cache/*", "none/*/x"}, Empty: []string{"etc/machine-id", "etc/none"}}))
	p.gone("var/log/apt", "etc/ssh/ssh_host_rsa_key.pub")
	p.there("var/log/.keep", "etc/ssh/sshd_config", "var/away")
	if _, err := os.Stat(filepath.Join(outside, "cache/x")); err != nil {
		t.Error(err)
	}
	if s := p.stat("etc/machine-id"); s.Size != 0 || s.Mode&0o7777 != 0o444 {
		t.Errorf("the machine's identity has %d bytes and mode %o", s.Size, s.Mode)
	}
	if got, want := p.text("etc/shadow"), "root:*:20089:0:99999:7:::\nweb:!:20089:0::::\nodd:x:y:z\n"; got != want {
		t.Errorf("shadow is %q, want %q", got, want)
	}
	p.mode("etc/shadow", 0o640)
}

// TestHostileTrees: links that lead out or round in circles, pipes and devices
// where files are looked for, and long and deep names end or are refused, and
// never hang.
func TestHostileTrees(t *testing.T) {
	all := tree.Request{
		Packages: true, Clean: []string{"var/lib/apt/lists/*"}, Empty: []string{"etc/machine-id"}, User: &tree.User{Name: "web"}, Strip: true,
		Remove: []string{"pkg"}, KeepNeeded: true, Trim: []string{"var/log/*"}, Logins: true, Runnable: "/etc/passwd",
	}
	for name, make := range map[string]func(p *place){
		"a pipe for passwd": func(p *place) {
			p.must(os.Remove(p.tree + "/etc/passwd"))
			p.must(unix.Mkfifo(p.tree+"/etc/passwd", 0o644))
		},
		"a pipe for a list": func(p *place) {
			p.write(p.tree, "var/lib/dpkg/info/x", "", 0o644)
			p.must(unix.Mkfifo(p.tree+"/var/lib/dpkg/info/pkg.list", 0o644))
		},
		"a folder for the status": func(p *place) { p.must(os.MkdirAll(p.tree+"/var/lib/dpkg/status", 0o755)) },
		"passwd that leads to /dev": func(p *place) {
			p.must(os.Remove(p.tree + "/etc/passwd"))
			p.link("/dev/zero", p.tree, "etc/passwd")
			p.must(os.Mkdir(p.tree+"/dev", 0o755))
			p.must(unix.Mknod(p.tree+"/dev/zero", unix.S_IFCHR|0o666, 1<<8|5))
		},
		"etc in a circle": func(p *place) { p.must(os.RemoveAll(p.tree + "/etc")); p.link("etc", p.tree, "etc") },
		"a list that leads out": func(p *place) {
			p.write(p.tree, "var/lib/dpkg/info/pkg.list", "/../../../../etc/shadow\n/..\n\n/x/../../y\n", 0o644)
		},
		"a folder that leads out": func(p *place) {
			p.link("../../../../../../../..", p.tree, "var")
			p.write(p.tree, "lib/dpkg/info/x", "", 0o644)
		},
		"a list of a million": func(p *place) {
			p.write(p.tree, "var/lib/dpkg/info/pkg.list", strings.Repeat("/usr/bin/x\n", 1<<20), 0o644)
		},
		"numbers out of range": func(p *place) {
			p.write(p.tree, "etc/passwd", "web:x:99999999999:-1::/:\nweb\n:::\n::::::::::\n\x00", 0o644)
		},
		"a diversion without an end": func(p *place) { p.write(p.tree, "var/lib/dpkg/diversions", "/a\n/b", 0o644) },
		"depth": func(p *place) {
			dir := p.tree
			for range 60 {
				dir += "/" + strings.Repeat("d", 30)
			}
			p.must(os.MkdirAll(dir, 0o755))
		},
	} {
		p := newPlace(t)
		canary := t.TempDir()
		p.write(canary, "file", "untouched", 0o600)
		p.link(canary, p.tree, "etc/canary")
		p.link(canary+"/file", p.tree, "var.canary")
		make(p)
		err := p.run(all) // refused or done: both are fine, and both end
		if text, readErr := os.ReadFile(canary + "/file"); readErr != nil || string(text) != "untouched" {
			t.Errorf("%s: outside of the tree is %q (%v, %v)", name, text, readErr, err)
		}
		if s, statErr := os.Stat(canary + "/file"); statErr != nil || s.Mode().Perm() != 0o600 {
			t.Errorf("%s: outside of the tree: %v, %v (%v)", name, s, statErr, err)
		}
	}
}

// TestLongPaths: a name that no program could open is refused with its place.
func TestLongPaths(t *testing.T) {
	p := newPlace(t)
	dir, err := os.Open(p.tree)
	p.must(err)
	for range 20 {
		name := strings.Repeat("l", 250)
		p.must(unix.Mkdirat(int(dir.Fd()), name, 0o755))
		fd, err := unix.Openat(int(dir.Fd()), name, unix.O_DIRECTORY|unix.O_RDONLY, 0)
		p.must(err)
		dir.Close()
		dir = os.NewFile(uintptr(fd), name)
	}
	dir.Close()
	if err := p.run(tree.Request{Own: "steps"}); err == nil || !strings.Contains(err.Error(), "is longer than 4094 bytes") {
		t.Errorf("got %v", err)
	}
}

// TestForgedEvidence: what the app's own part says of packages is refused,
// whether a step changed it or a file replaces it.
func TestForgedEvidence(t *testing.T) {
	const status = "var/lib/dpkg/status"
	planted := func() *place {
		p := newPlace(t)
		for _, root := range []string{p.tree, p.before} {
			p.write(root, status, "Package: nginx\nVersion: 1\n\n", 0o644)
		}
		return p
	}
	p := planted()
	p.write(p.tree, status, "Package: nginx\nVersion: 9999\n\n", 0o644)
	p.fails("a step", p.run(tree.Request{Own: "steps", Evidence: true}),
		"app file: steps: /var/lib/dpkg/status (package nginx) may not be changed or removed: packages are known and judged by it; next: leave it as it comes")
	p = planted()
	forged := tree.Request{Evidence: true, Put: []tree.Put{{Content: []byte("none"), To: "/" + status, Owner: "0", Key: "files[0]"}}}
	p.fails("a file", p.run(forged), "app file: files: /var/lib/dpkg/status (package nginx) may not be")
	p = planted()
	forged.Put[0].To = "/srv/x"
	p.fails("another file", p.run(forged), "")
}
