package tree_test

import (
	"strings"
	"testing"

	"github.com/bakelite/bakelite/builders/tree"
)

// debian gives the tree some accounts as packages leave them.
func (p *place) debian(more, groups string) {
	p.Helper()
	p.write(p.tree, "etc/passwd", "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\nbackup:x:34:34:backup:/var/backups:/usr/sbin/nologin\n"+more, 0o644)
	p.write(p.tree, "etc/group", "root:x:0:\noperator:x:37:\nwww-data:x:33:\nbackup:x:34:\n"+groups, 0o644)
	p.write(p.tree, "etc/shadow", "root:*:20000:0:99999:7:::\n", 0o640)
	p.write(p.tree, "etc/gshadow", "root:*::\n", 0o640)
}

func user(name string, id uint32) tree.Request {
	return tree.Request{User: &tree.User{Name: name, ID: id}}
}

// TestServiceUser: the user of the service has one number, whatever packages
// the tree has besides.
func TestServiceUser(t *testing.T) {
	for name, tt := range map[string]struct {
		passwd, group string
		user          string
		id            uint32
		want, groups  string
		fails         string
	}{
		"made":                     {"", "", "app", 0, "app:x:500:500::/nonexistent:/usr/sbin/nologin", "app:x:500:", ""},
		"made with a number":       {"", "", "app", 10001, "app:x:10001:10001::/nonexistent:/usr/sbin/nologin", "app:x:10001:", ""},
		"Debian's":                 {"", "", "www-data", 0, "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin", "www-data:x:33:", ""},
		"Debian's with a number":   {"", "", "www-data", 700, "www-data:x:700:33:www-data:/var/www:/usr/sbin/nologin", "www-data:x:33:", ""},
		"a package's":              {"redis:x:101:103::/var/lib/redis:/bin/false\n", "redis:x:103:\n", "redis", 0, "redis:x:500:500::/var/lib/redis:/bin/false", "redis:x:500:", ""},
		"another number elsewhere": {"redis:x:997:996::/var/lib/redis:/bin/false\n", "redis:x:996:\n", "redis", 0, "redis:x:500:500::/var/lib/redis:/bin/false", "redis:x:500:", ""},
		"in a group of Debian's":   {"redis:x:101:65534::/:/bin/false\n", "nogroup:x:65534:\n", "redis", 0, "redis:x:500:65534::/:/bin/false", "nogroup:x:65534:", ""},
		"reserved by Debian":       {"mysql:x:64001:64001::/:/bin/false\n", "mysql:x:64001:\n", "mysql", 0, "mysql:x:64001:64001::/:/bin/false", "mysql:x:64001:", ""},
		"a Dockerfile's":           {"app:x:1000:1000::/home/app:/bin/sh\n", "app:x:1000:\n", "app", 0, "app:x:500:500::/home/app:/bin/sh", "app:x:500:", ""},
		"a group of the name":      {"", "", "operator", 0, "", "", `app file: service.user: the image has a group operator and no such user, who would get the rights of that group; next: name another user`},
		"a number that is taken":   {"", "", "app", 33, "", "", `app file: service.uid: app cannot have the number 33: it is that of the user "www-data"; next: set service.uid`},
		"a group's number":         {"", "", "app", 37, "", "", `app file: service.uid: app cannot have the number 37: it is that of the group "operator"; next:`},
		"root by another name":     {"toor:x:0:0::/root:/bin/sh\n", "", "toor", 0, "", "", "app file: service.user: toor has root's number in this image; next:"},
		"the default is taken":     {"old:x:500:500::/:/bin/sh\n", "old:x:500:\n", "app", 0, "", "", `app file: service.uid: app cannot have the number 500: it is that of the user "old"; next: set service.uid`},
	} {
		p := newPlace(t)
		p.debian(tt.passwd, tt.group)
		p.fails(name, p.run(user(tt.user, tt.id)), tt.fails)
		if tt.fails != "" {
			continue
		}
		if got := p.text("etc/passwd"); !strings.Contains("\n"+got, "\n"+tt.want+"\n") || strings.Count(got, tt.user+":x:") != 1 {
			t.Errorf("%s: passwd is\n%s", name, got)
		}
		if got := p.text("etc/group"); !strings.Contains("\n"+got, "\n"+tt.groups+"\n") {
			t.Errorf("%s: group is\n%s", name, got)
		}
		first := p.text("etc/passwd") + p.text("etc/group") + p.text("etc/shadow")
		p.must(p.run(user(tt.user, tt.id)))
		if again := p.text("etc/passwd") + p.text("etc/group") + p.text("etc/shadow"); again != first {
			t.Errorf("%s: a second time gave\n%s", name, again)
		}
	}
}

// TestFilesMoveWithTheUser: a user's files have the user's number.
func TestFilesMoveWithTheUser(t *testing.T) {
	p := newPlace(t)
	p.debian("redis:x:101:103::/var/lib/redis:/bin/false\n", "redis:x:103:\n")
	p.write(p.tree, "var/lib/redis/dump", "x", 0o640)
	p.link("dump", p.tree, "var/lib/redis/link")
	p.write(p.tree, "var/other", "x", 0o640)
	for name, owner := range map[string][2]int{"var/lib/redis": {101, 103}, "var/lib/redis/dump": {101, 4}, "var/lib/redis/link": {101, 103}, "var/other": {102, 103}} {
		p.must(lchown(p.tree, name, owner))
	}
	p.must(p.run(user("redis", 0)))
	p.owner("var/lib/redis", 500, 500)
	p.owner("var/lib/redis/dump", 500, 4)
	p.owner("var/lib/redis/link", 500, 500)
	p.owner("var/other", 102, 500)
}

// TestMadeUser: who is made has no password, in all four files.
func TestMadeUser(t *testing.T) {
	p := newPlace(t)
	p.debian("", "")
	p.write(p.tree, "etc/shadow", "app:$6$salt$hash:1::::::\n", 0o640)
	p.must(p.run(user("app", 0)))
	if got := p.text("etc/shadow"); got != "app:!:20089::::::\n" {
		t.Errorf("shadow is %q", got)
	}
	if got := p.text("etc/gshadow"); got != "root:*::\napp:!::\n" {
		t.Errorf("gshadow is %q", got)
	}
}

// TestAdmin: who may log in is nobody that the system has, has the first free
// number of a person, and no password; neither has anybody else.
func TestAdmin(t *testing.T) {
	p := newPlace(t)
	p.debian("app:x:1000:1000::/:/bin/sh\n", "app:x:1000:\n")
	p.must(p.run(tree.Request{Logins: true, Admin: "admin"}))
	for name, want := range map[string]string{
		"etc/passwd":  "admin:x:1001:1001::/var/home/admin:/bin/bash\n",
		"etc/group":   "admin:x:1001:\n",
		"etc/shadow":  "root:!*:20000:0:99999:7:::\nadmin:*:20089::::::\n",
		"etc/gshadow": "admin:!::\n",
	} {
		if got := p.text(name); !strings.HasSuffix(got, want) {
			t.Errorf("%s is\n%s", name, got)
		}
	}
	for _, name := range []string{"backup", "operator", "admin", "root"} {
		p.fails(name, p.run(tree.Request{Logins: true, Admin: name}), "app file: vm.admin.user: the image has a user or group "+name+" already")
	}
}

// TestRunnable: the service's program is there, can be executed, and so is the
// one that its first line names.
func TestRunnable(t *testing.T) {
	p := newPlace(t)
	p.write(p.tree, "bin/env", "\x7fELF\x00\x01", 0o755)
	p.write(p.tree, "opt/none", "#!/usr/bin/python3 -u\nx", 0o755)
	p.write(p.tree, "opt/env", "#! /bin/env python3\nx", 0o755)
	p.write(p.tree, "opt/crlf", "#!/bin/env\r\nx", 0o755)
	p.write(p.tree, "opt/plain", "x", 0o644)
	p.link("/bin/env", p.tree, "opt/link")
	p.link("/root/python3", p.tree, "opt/astray")
	for program, want := range map[string]string{
		"/bin/env":    "",
		"/opt/env":    "",
		"/opt/link":   "",
		"/opt/absent": "app file: service.command[0]: /opt/absent is not in the container; next:",
		"/opt/astray": "app file: service.command[0]: /opt/astray, by links /root/python3, is not in the container; next:",
		"/opt":        "app file: service.command[0]: /opt is not in the container; next:",
		"/opt/plain":  "app file: service.command[0]: /opt/plain is a file that cannot be executed; next:",
		"/opt/none":   "app file: service.command[0]: /usr/bin/python3, which /opt/none names in its first line, is not in the container; next: name its package under packages, or set container.shell: true",
		"/opt/crlf":   "app file: service.command[0]: the first line of the script /opt/crlf ends with CRLF",
	} {
		p.fails(program, p.run(tree.Request{Runnable: program, Kind: "container"}), want)
	}
}
