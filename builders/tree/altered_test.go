package tree_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/builders/tree"
)

// TestReplacedProgram: `cp busybox /usr/sbin/nginx` in a step, or a file of the
// app in a program's place, is refused unless the app file names it; what
// packages don't own, and what does not run, is the app's to change.
func TestReplacedProgram(t *testing.T) {
	const list = "/.\n/usr\n/usr/sbin/nginx\n/usr/bin/view\n/usr/lib/libz.so.1\n/usr/share/perl5/A.pm\n/usr/share/nginx/index.html\n/etc/nginx.conf\n/lib/udev\n"
	planted := func() *place {
		p := newPlace(t)
		for _, root := range []string{p.tree, p.before} {
			p.link("usr/lib", root, "lib")
			p.write(root, "var/lib/dpkg/status", "Package: nginx\nVersion: 1\n\n", 0o644)
			p.write(root, "var/lib/dpkg/info/nginx.list", list, 0o644)
			p.write(root, "usr/sbin/nginx", "nginx", 0o755)
			p.write(root, "usr/lib/libz.so.1", "libz", 0o644)
			p.write(root, "usr/lib/udev", "udev", 0o644)
			p.link("vi", root, "usr/bin/view")
			for _, data := range []string{"usr/share/perl5/A.pm", "usr/share/nginx/index.html", "etc/nginx.conf", "usr/local/bin/tool", "usr/bin/mine"} {
				p.write(root, data, "as it was", 0o644)
			}
		}
		return p
	}
	changed := func(name string) func(*place) {
		return func(p *place) { p.write(p.tree, name, "evil", 0o755) }
	}
	for name, tt := range map[string]struct {
		change func(*place)
		alters []string
		names  string // what the mistake names; "" for none
	}{
		"nothing":                 {func(*place) {}, nil, ""},
		"a program":               {changed("usr/sbin/nginx"), nil, "/usr/sbin/nginx"},
		"a program that is named": {changed("usr/sbin/nginx"), []string{"/usr/sbin/nginx"}, ""},
		"a library beside it":     {func(p *place) { changed("usr/sbin/nginx")(p); changed("usr/lib/libz.so.1")(p) }, []string{"/usr/sbin/nginx"}, "/usr/lib/libz.so.1"},
		"a library by its link":   {changed("usr/lib/udev"), nil, "/usr/lib/udev"},
		"one named by a link of the app's": {func(p *place) {
			changed("usr/sbin/nginx")(p)
			p.link("/usr/sbin/nginx", p.tree, "srv/harmless")
		}, []string{"/srv/harmless"}, "/usr/sbin/nginx"},
		"one named by its link": {changed("usr/lib/udev"), []string{"/lib/udev"}, ""},
		"a module":              {changed("usr/share/perl5/A.pm"), nil, "/usr/share/perl5/A.pm"},
		"data":                  {changed("usr/share/nginx/index.html"), nil, ""},
		"a setting":             {changed("etc/nginx.conf"), nil, ""},
		"what no package owns":  {func(p *place) { changed("usr/bin/mine")(p); changed("usr/local/bin/tool")(p) }, nil, ""},
		"one removed":           {func(p *place) { p.must(os.Remove(filepath.Join(p.tree, "usr/sbin/nginx"))) }, nil, "/usr/sbin/nginx"},
		"a link in a file's place": {func(p *place) {
			p.must(os.Remove(filepath.Join(p.tree, "usr/sbin/nginx")))
			p.link("/srv/x", p.tree, "usr/sbin/nginx")
		}, nil, "/usr/sbin/nginx"},
		"a link to elsewhere": {func(p *place) {
			p.must(os.Remove(filepath.Join(p.tree, "usr/bin/view")))
			p.link("/srv/x", p.tree, "usr/bin/view")
		}, nil, "/usr/bin/view"},
		"of the same size and date": {func(p *place) { p.write(p.tree, "usr/sbin/nginx", "xinge", 0o755) }, nil, "/usr/sbin/nginx"},
	} {
		t.Run(name, func(*testing.T) {
			p := planted()
			tt.change(p)
			at := time.Unix(1_600_000_000, 0)
			for _, root := range []string{p.tree, p.before} {
				_ = os.Chtimes(filepath.Join(root, "usr/sbin/nginx"), at, at) // it may be gone
			}
			want := ""
			if tt.names != "" {
				want = "app file: steps: what packages brought to run, or what root starts or reads, is changed: " + tt.names + "; next: put programs into /usr/local"
			}
			p.fails(name, p.run(tree.Request{Own: "steps", Evidence: true, Alters: tt.alters}), want)
		})
	}
}

// TestStartedByRoot: what the app's own part has root start or read is refused,
// however it comes there; what the machine's own files say is not.
func TestStartedByRoot(t *testing.T) {
	const ours = "etc/systemd/system/app-web.service"
	ask := tree.Request{Own: "steps", Evidence: true, Ours: map[string]string{
		"/" + ours: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", // of "abc"
	}}
	planted := func() *place {
		p := newPlace(t)
		for _, root := range []string{p.tree, p.before} {
			p.write(root, "var/lib/dpkg/status", "Package: cron\nVersion: 1\n\n", 0o644)
			p.write(root, "etc/cron.d/e2scrub", "1", 0o644)
			p.write(root, "etc/profile", "1", 0o644)
			p.write(root, "root/.cache/pip/x", "1", 0o644)
			p.link("/usr/lib/systemd/system/nftables.service", root, "etc/systemd/system/sysinit.target.wants/nftables.service")
			p.must(os.MkdirAll(filepath.Join(root, "etc/sudoers.d"), 0o755))
		}
		p.write(p.tree, ours, "abc", 0o644)
		return p
	}
	const want = "app file: steps: what packages brought to run, or what root starts or reads, is changed: /"
	for _, name := range []string{
		"etc/ld.so.preload", "etc/sudoers.d/web", "etc/cron.d/evil", "etc/cron.d/e2scrub", "var/spool/cron/crontabs/root", "etc/systemd/system/evil.timer",
		"usr/lib/systemd/system-generators/evil", "root/.ssh/authorized_keys", "root/.bashrc", "etc/profile", "etc/udev/rules.d/1.rules", ours,
	} {
		p := planted()
		p.write(p.tree, name, "evil", 0o755)
		p.fails(name, p.run(ask), want+name+"; next:")
		named := ask
		named.Alters = []string{"/" + name}
		p.fails(name+", named", p.run(named), "")
	}
	const wants = "etc/systemd/system/sysinit.target.wants/nftables.service"
	p := planted()
	p.must(os.Remove(filepath.Join(p.tree, wants)))
	p.fails("a unit that no longer starts", p.run(ask), want+wants)
	p = planted()
	p.must(os.Remove(filepath.Join(p.tree, "etc/sudoers.d")))
	p.link("/srv/sudoers", p.tree, "etc/sudoers.d")
	p.fails("a folder by a link", p.run(ask), want+"etc/sudoers.d; next:")
	linked := ask
	linked.Alters = []string{"/etc/sudoers.d"}
	p.fails("a folder by a link, named", p.run(linked), "")
	p = planted()
	for _, name := range []string{"srv/x", "etc/web/x", "root/.cache/pip/x", "etc/systemd-like"} {
		p.write(p.tree, name, "mine", 0o755)
	}
	p.fails("what nobody starts", p.run(ask), "")

	files := tree.Request{Evidence: true, Ours: ask.Ours, Put: []tree.Put{
		{Content: []byte("abc"), To: "/" + ours, Owner: "0", Key: "files[-1]"}, {Content: []byte("evil"), To: "/srv/x", Owner: "0", Key: "files[0]"},
	}}
	p = newPlace(t)
	p.fails("ours as a file", p.run(files), "")
	for _, name := range []string{ours, "etc/ld.so.preload"} {
		p = newPlace(t)
		files.Put[1].To = "/" + name
		p.fails("a file as "+name, p.run(files), strings.Replace(want, "steps", "files", 1)+name+"; next:")
	}
}

// TestReplacedByAFile is the same for files of an app of which nothing runs in
// the tree; its packages' lists may be gone.
func TestReplacedByAFile(t *testing.T) {
	put := func(to ...string) tree.Request {
		r := tree.Request{Evidence: true}
		for _, to := range to {
			r.Put = append(r.Put, tree.Put{Content: []byte("evil"), To: to, Owner: "0", Key: "files[0]"})
		}
		return r
	}
	planted := func() *place {
		p := newPlace(t)
		p.link("usr/sbin", p.tree, "sbin")
		p.write(p.tree, "usr/sbin/nginx", "nginx", 0o755)
		p.write(p.tree, "usr/share/nginx/index.html", "nginx", 0o755)
		return p
	}
	p := planted()
	p.fails("a program", p.run(put("/sbin/nginx")), "app file: files: what packages brought to run, or what root starts or reads, is changed: /usr/sbin/nginx; next:")
	named := put("/sbin/nginx")
	named.Alters = []string{"/sbin/nginx"}
	p = planted()
	p.fails("a program that is named", p.run(named), "")
	p = planted()
	p.link("nginx", p.tree, "usr/sbin/alias")
	alias := put("/usr/sbin/alias")
	alias.Alters = []string{"/usr/sbin/alias"}
	p.fails("a program that is named by another name", p.run(alias), "")
	p = planted()
	hidden := put("/srv/harmless", "/usr/sbin/nginx")
	p.write(p.files, "harmless/x", "", 0o644)
	p.link("/usr/sbin/nginx", p.files, "harmless/link")
	hidden.Put[0] = tree.Put{From: "harmless", To: "/srv/harmless", Owner: "0", Key: "files[0]"}
	hidden.Alters = []string{"/srv/harmless/link"}
	p.fails("a program that is named by a link of the app's", p.run(hidden), "app file: files: what packages brought to run, or what root starts or reads, is changed: /usr/sbin/nginx; next:")
	p = planted()
	p.fails("the app's own, twice, and data", p.run(put("/usr/sbin/own", "/usr/sbin/own", "/usr/share/nginx/index.html")), "")
}

// TestSystemBehindAFile: a file or link of the app's that is found in the place
// of a program, or through which root starts what the app brought, changes the
// system though nothing was there.
func TestSystemBehindAFile(t *testing.T) {
	const changed = "app file: files: what packages brought to run, or what root starts or reads, is changed: /"
	for name, tt := range map[string]struct {
		to   string // where a folder of the app's is copied to
		make func(p *place)
		want string // the place that is told, "" for none
	}{
		"before a program":        {"/usr/local/sbin", func(p *place) { p.write(p.files, "app/journalctl", "evil", 0o755) }, "usr/local/sbin/journalctl"},
		"a link before a program": {"/usr/local/bin", func(p *place) { p.link("/srv/x", p.files, "app/journalctl") }, "usr/local/bin/journalctl"},
		"before it by another path": {"/opt", func(p *place) {
			p.link("usr/local/bin", p.tree, "opt")
			p.write(p.files, "app/journalctl", "evil", 0o755)
		}, "usr/local/bin/journalctl"},
		"a program of its own": {"/usr/local/bin", func(p *place) { p.write(p.files, "app/web", "mine", 0o755) }, ""},
		"behind a program": {"/usr/bin", func(p *place) {
			p.write(p.tree, "usr/sbin/nft", "nft", 0o755)
			p.write(p.files, "app/nft", "mine", 0o755)
		}, ""},
		"which program awk is": {"/etc/alternatives", func(p *place) {
			p.link("/usr/bin/mawk", p.tree, "etc/alternatives/awk")
			p.link("/srv/awk", p.files, "app/awk")
		}, "etc/alternatives/awk"},
		"units by a link":            {"/usr/local/lib", func(p *place) { p.link("../../../srv/units", p.files, "app/systemd") }, "usr/local/lib/systemd"},
		"units by a link far above":  {"/usr/local", func(p *place) { p.link("../../srv/lib", p.files, "app/lib") }, "usr/local/lib"},
		"a library of a processor's": {"/usr/lib/systemd-x", func(p *place) { p.write(p.files, "app/glibc-hwcaps/x86-64-v2/libshared.so", "evil", 0o755) }, "usr/lib/systemd-x/glibc-hwcaps/x86-64-v2/libshared.so"},
		"a setting of the kernel":    {"/etc/sysctl.d", func(p *place) { p.write(p.files, "app/99.conf", "kernel.core_pattern=|/srv/x", 0o644) }, "etc/sysctl.d/99.conf"},
		"a folder where units lie":   {"/usr/local/lib", func(p *place) { p.must(os.MkdirAll(filepath.Join(p.files, "app/systemd/system"), 0o755)) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.write(p.tree, "usr/bin/journalctl", "journalctl", 0o755)
			tt.make(p)
			want := ""
			if tt.want != "" {
				want = changed + tt.want + "; next:"
			}
			put := []tree.Put{{From: "app", To: tt.to, Owner: "0", Key: "files[0]"}}
			p.fails(name, p.run(tree.Request{Evidence: true, Put: put}), want)
		})
	}
}
