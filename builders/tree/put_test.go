package tree_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree"
)

// put copies the app's folder called "all" to /opt.
func (p *place) put(mode *uint32) {
	p.Helper()
	p.must(p.run(tree.Request{Put: []tree.Put{{From: "all", To: "/opt", Mode: mode, Owner: "web", Key: "files[0]"}}}))
}

// TestTreesKeepExecuteBits: without a mode files keep that they can be
// executed, and nothing else of their mode; a mode is for all of them.
func TestTreesKeepExecuteBits(t *testing.T) {
	p := newPlace(t)
	p.write(p.files, "all/bin/tool", "x", 0o4711)
	p.write(p.files, "all/note", "x", 0o600)
	p.put(nil)
	p.mode("opt/bin/tool", 0o755)
	p.mode("opt/note", 0o644)
	p.mode("opt/bin", 0o755)
	p.owner("opt/bin/tool", 33, 34)
	p.owner("opt/bin", 33, 34)
	p.owner("opt", 0, 0)
	p.put(octal(0o640))
	p.mode("opt/bin/tool", 0o640)
	p.mode("opt/bin", 0o750)
}

// TestLinksAreNotWrittenThrough: what is copied later replaces a link, and
// leaves alone what it leads to.
func TestLinksAreNotWrittenThrough(t *testing.T) {
	p := newPlace(t)
	outside := filepath.Join(t.TempDir(), "outside")
	p.write(filepath.Dir(outside), "outside", "as it was", 0o600)
	p.link(outside, p.files, "all/file")
	p.put(nil)
	if got, err := os.Readlink(filepath.Join(p.tree, "opt/file")); err != nil || got != outside {
		t.Errorf("the link leads to %q (%v)", got, err)
	}
	p.must(os.Remove(filepath.Join(p.files, "all/file")))
	p.write(p.files, "all/file", "new", 0o644)
	p.put(nil)
	p.mode("opt/file", 0o644)
	if text, err := os.ReadFile(outside); err != nil || string(text) != "as it was" {
		t.Errorf("what the link led to is %q (%v)", text, err)
	}
}

// TestFilesThatMeetFolders: what cannot be where an entry puts it is a mistake
// of its key, and nothing is written under a name that nobody gave.
func TestFilesThatMeetFolders(t *testing.T) {
	for name, tt := range map[string]struct {
		from, to, want string
	}{
		"content to a folder":     {"", "/etc/conf.d", "app file: files[3].to: /etc/conf.d is a folder; next: name the file"},
		"file over a folder":      {"conf.d", "/etc", "app file: files[3].to: /etc/conf.d is a folder; next: name the file"},
		"tree over a file":        {"var", "/etc/passwd", "app file: files[3].to: /etc/passwd is a file, not a folder; next:"},
		"folder over a link":      {"var", "/var", "app file: files[3].to: only one of the image and the copied folder has a folder at /var/mail, the other a file or link; next:"},
		"link over a folder":      {"opt", "/", "app file: files[3].to: only one of the image and the copied folder has a folder at /etc, the other a file or link; next:"},
		"file below a file":       {"note", "/etc/passwd/x", "app file: files[3].to: a folder of /etc/passwd/x is a file in the image; next:"},
		"tree over a tree":        {"fine", "/var", ""},
		"file over a link":        {"mail", "/var", ""},
		"file into a folder":      {"note", "/etc/conf.d", ""},
		"tree where nothing is":   {"var", "/srv/none", ""},
		"file over a file":        {"note", "/etc/passwd2", ""},
		"tree by a link to it":    {"var", "/by-link", ""},
		"file by a link to a dir": {"note", "/by-link", ""},
	} {
		p := newPlace(t)
		p.write(p.tree, "etc/conf.d/own", "x", 0o644)
		p.write(p.tree, "etc/passwd2", "x", 0o644)
		p.write(p.tree, "var/lib/own", "x", 0o644)
		p.write(p.tree, "srv/linked/own", "x", 0o644)
		p.link("/mnt", p.tree, "var/mail")
		p.link("/srv/linked", p.tree, "by-link")
		p.write(p.files, "conf.d", "x", 0o644)
		p.write(p.files, "note", "x", 0o644)
		p.write(p.files, "mail", "x", 0o644)
		p.write(p.files, "var/mail/x", "x", 0o644)
		p.write(p.files, "fine/lib/own", "y", 0o644)
		p.link("/srv/none", p.files, "fine/mail")
		p.write(p.files, "opt/x", "x", 0o644)
		p.link("x", p.files, "opt/etc")
		put := tree.Put{From: tt.from, To: tt.to, Owner: "web", Key: "files[3]"}
		if tt.from == "" {
			put.Content = []byte("x")
		}
		p.fails(name, p.run(tree.Request{Put: []tree.Put{put}}), tt.want)
	}
}

// TestFilesAreTheSameInEveryPlace: what has several names keeps them, holes
// stay holes, and of the attributes that a file has here nothing goes into an
// image, since no lock counts them.
func TestFilesAreTheSameInEveryPlace(t *testing.T) {
	p := newPlace(t)
	p.write(p.files, "all/a", "one file", 0o644)
	p.must(os.Link(filepath.Join(p.files, "all/a"), filepath.Join(p.files, "all/b")))
	p.must(unix.Setxattr(filepath.Join(p.files, "all/a"), "user.note", []byte("x"), 0))
	big, err := os.Create(filepath.Join(p.files, "all/big"))
	p.must(err)
	const size = 5 << 30
	_, err = big.WriteAt([]byte("in the middle"), size/2)
	p.must(err)
	p.must(big.Truncate(size))
	p.must(big.Close())
	p.put(nil)
	if a, b := p.stat("opt/a"), p.stat("opt/b"); a.Ino != b.Ino {
		t.Error("one file became two")
	}
	if n, err := unix.Llistxattr(filepath.Join(p.tree, "opt/a"), nil); n != 0 || err != nil {
		t.Errorf("%d bytes of names of attributes (%v)", n, err)
	}
	if s := p.stat("opt/big"); s.Size != size || s.Blocks > 1000 {
		t.Errorf("a file of %d bytes takes %d blocks", s.Size, s.Blocks)
	}
	copied, err := os.Open(filepath.Join(p.tree, "opt/big"))
	p.must(err)
	defer copied.Close()
	middle := make([]byte, 13)
	if _, err := copied.ReadAt(middle, size/2); err != nil || string(middle) != "in the middle" {
		t.Errorf("in the middle is %q (%v)", middle, err)
	}
}

// TestOwners: names are the tree's own, and numbers are taken as they are,
// also those that sixteen bits do not hold.
func TestOwners(t *testing.T) {
	for owner, want := range map[string][2]uint32{
		"web": {33, 34}, "web:root": {33, 0}, "7": {7, 7}, "7:8": {7, 8}, "70000:4000000000": {70000, 4000000000}, "web:9": {33, 9},
	} {
		p := newPlace(t)
		p.must(p.run(tree.Request{Put: []tree.Put{{Content: []byte("x"), To: "/x", Owner: owner, Key: "files[1]"}}}))
		p.owner("x", want[0], want[1])
	}
	for _, owner := range []string{"stranger", "web:stranger"} {
		p := newPlace(t)
		p.fails(owner, p.run(tree.Request{Put: []tree.Put{{Content: []byte("x"), To: "/x", Owner: owner, Key: "files[1]"}}}),
			"app file: files[1].owner: the image has no user or group "+owner+"; next: name one that a package brings")
	}
}

// TestFolders: a folder of the service's is the service's, whatever it was.
func TestFolders(t *testing.T) {
	p := newPlace(t)
	p.must(p.run(tree.Request{User: &tree.User{Name: "web"}, Folders: []tree.Folder{{Path: "/srv/data/in", Mode: 0o750}}}))
	p.owner("srv/data/in", 33, 34)
	p.mode("srv/data/in", 0o750)
	p.owner("srv/data", 0, 0)
	p.mode("srv/data", 0o755)
}

// TestLostFiles: nothing is put where it would not be seen, whichever way it
// gets there.
func TestLostFiles(t *testing.T) {
	for name, tt := range map[string]struct{ from, to, want string }{
		"hidden":                {"note", "/tmp/x", "app file: files[0].to: /tmp/x would be lost: /tmp is filled or emptied when the image runs; next:"},
		"hidden by a link":      {"note", "/var/run/x", "app file: files[0].to: /run/x would be lost"},
		"hidden in a folder":    {"root", "/", "app file: files[0].to: /var/tmp/x would be lost"},
		"below one's own":       {"note", "/run/web/x", "app file: files[0].to: /run/web/x would be lost"},
		"by a link":             {"note", "/by-link/x", "app file: files[0].to: /var/tmp/x would be lost"},
		"empty folder":          {"dev", "/dev", "app file: files[0].to: /dev/shm would be lost"},
		"beside it":             {"note", "/srv/data.txt", ""},
		"whiteout":              {"note", "/srv/.wh.x", "app file: files[0]: /srv/.wh.x cannot be put into an image: its name begins with .wh."},
		"whiteout of a folder":  {"note", "/srv/.wh..wh..opq", "app file: files[0]: /srv/.wh..wh..opq cannot be put"},
		"whiteout in a folder":  {"wh", "/srv", "app file: files[0]: /srv/deep/.wh.passwd cannot be put"},
		"no UTF-8 in a folder":  {"latin", "/srv", `app file: files[0]: "/srv/caf\xe9" cannot be put into an image: its name is not UTF-8`},
		"elsewhere by a link":   {"note", "/opt/usr/x", "app file: files[0].to: /opt/usr/x leads by links to /usr/share/x; next:"},
		"systemd's own escapes": {"units", "/etc", ""},
	} {
		p := newPlace(t)
		p.link("/run", p.tree, "var/run")
		p.link("/usr/share", p.tree, "opt/usr")
		p.link("/var/tmp", p.tree, "by-link")
		p.write(p.tree, "usr/share/own", "x", 0o644)
		p.write(p.files, "note", "x", 0o644)
		p.write(p.files, "root/var/tmp/x", "x", 0o644)
		p.write(p.files, "wh/deep/.wh.passwd", "x", 0o644)
		p.write(p.files, "latin/caf\xe9", "x", 0o644)
		p.write(p.files, `units/a\x2db.mount`, "x", 0o644)
		p.must(os.MkdirAll(filepath.Join(p.files, "dev/shm"), 0o755))
		to := tt.to
		p.fails(name, p.run(tree.Request{
			Put: []tree.Put{{From: tt.from, To: to, Owner: "root", Key: "files[0]"}}, Apart: []string{"usr"},
		}), tt.want)
	}
}

// TestLineEnds: a script whose interpreter nobody would find is named.
func TestLineEnds(t *testing.T) {
	p := newPlace(t)
	p.write(p.files, "windows", "#!/bin/sh\r\necho\r\n", 0o755)
	p.write(p.files, "read", "#!/bin/sh\r\n", 0o644)
	put := func(put tree.Put) tree.Request {
		put.To, put.Owner, put.Key = "/x", "root", "files[2]"
		return tree.Request{Put: []tree.Put{put}}
	}
	p.fails("file", p.run(put(tree.Put{From: "windows"})), "app file: files[2].from: the first line of the script windows ends with CRLF")
	p.fails("content", p.run(put(tree.Put{Content: []byte("#!/bin/sh\r\n"), Mode: octal(0o755)})), "app file: files[2].content: the first line of the script /x ends with CRLF")
	p.fails("not executed", p.run(put(tree.Put{From: "read"})), "")
	p.fails("program", p.run(tree.Request{Put: put(tree.Put{From: "read", Mode: octal(0o644)}).Put, Runnable: "/x"}), "app file: service.command[0]: /x is a file that cannot be executed")
}
