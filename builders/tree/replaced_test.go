package tree_test

import (
	"os"
	"path/filepath"
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
		change   func(*place)
		replaces []string
		names    string // what the mistake names; "" for none
	}{
		"nothing":                 {func(*place) {}, nil, ""},
		"a program":               {changed("usr/sbin/nginx"), nil, "/usr/sbin/nginx"},
		"a program that is named": {changed("usr/sbin/nginx"), []string{"/usr/sbin/nginx"}, ""},
		"a library beside it":     {func(p *place) { changed("usr/sbin/nginx")(p); changed("usr/lib/libz.so.1")(p) }, []string{"/usr/sbin/nginx"}, "/usr/lib/libz.so.1"},
		"a library by its link":   {changed("usr/lib/udev"), nil, "/usr/lib/udev"},
		"one named by its link":   {changed("usr/lib/udev"), []string{"/lib/udev"}, ""},
		"a module":                {changed("usr/share/perl5/A.pm"), nil, "/usr/share/perl5/A.pm"},
		"data":                    {changed("usr/share/nginx/index.html"), nil, ""},
		"a setting":               {changed("etc/nginx.conf"), nil, ""},
		"what no package owns":    {func(p *place) { changed("usr/bin/mine")(p); changed("usr/local/bin/tool")(p) }, nil, ""},
		"one removed":             {func(p *place) { p.must(os.Remove(filepath.Join(p.tree, "usr/sbin/nginx"))) }, nil, "/usr/sbin/nginx"},
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
		t.Run(name, func(t *testing.T) {
			p := planted()
			tt.change(p)
			at := time.Unix(1_600_000_000, 0)
			for _, root := range []string{p.tree, p.before} {
				_ = os.Chtimes(filepath.Join(root, "usr/sbin/nginx"), at, at) // it may be gone
			}
			want := ""
			if tt.names != "" {
				want = "app file: steps: packages brought what is changed or removed here: " + tt.names + "; next: put yours elsewhere"
			}
			p.fails(name, p.run(tree.Request{Own: "steps", Evidence: true, Replaces: tt.replaces}), want)
		})
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
	p.fails("a program", p.run(put("/sbin/nginx")), "app file: files: packages brought what is changed or removed here: /usr/sbin/nginx; next:")
	named := put("/sbin/nginx")
	named.Replaces = []string{"/sbin/nginx"}
	p = planted()
	p.fails("a program that is named", p.run(named), "")
	p = planted()
	p.fails("the app's own, twice, and data", p.run(put("/usr/sbin/own", "/usr/sbin/own", "/usr/share/nginx/index.html")), "")
}
