package test

import (
	"archive/tar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/test/harness"
)

// ownPart is an app whose Dockerfile makes its user, and whose step leaves
// behind what no image keeps.
const ownPart = `apiVersion: bakelite.dev/v1
name: web
base: {debian: trixie, dockerfile: Dockerfile}
packages: [nginx, passwd, libcap2-bin]
files:
  - {content: "hello", to: /opt/app/hello.txt, owner: app}
  - {content: "x", to: /runtime/x}
  - {content: "mine", to: /etc/default/app}
steps:
  - run: |
      : round 1
      cp /usr/bin/env /opt/app/capable && setcap cap_sys_admin+ep /opt/app/capable
      mkdir -m 2775 /opt/app/shared
      touch -d "$(date)" '/opt/app/a\x2db.mount'
      touch /tmp/junk && ln /opt/app/hello.txt /opt/app/again
rights:
  - {path: /usr/sbin/nginx, capabilities: [net_bind_service]}
service: {command: [/usr/sbin/nginx], user: app, writable: [/srv/state]}
`

// TestAppsOwnPart bakes the app twice, and each time all of its own part anew:
// the image is the same, its files have one date and its user one number, and
// rights are those that the app file gives.
func TestAppsOwnPart(t *testing.T) {
	s := harness.NewSite(t)
	harness.Overwrite(t, s.App(), []byte(ownPart))
	harness.Overwrite(t, filepath.Join(s.Dir, "Dockerfile"), []byte("FROM base\nRUN groupadd -r app && useradd -r -u 777 -g app app\nCOPY --chown=app:app site /opt/app/site\nRUN touch /run/made\n"))
	s.Run("lock", "web").Want(t, 0)
	build := func(texts ...string) map[string]*tar.Header {
		t.Helper()
		r := s.Run("build", "--json", "--skip-tests", "--target", "container", "web").Want(t, 0, texts...).Result(t)
		return harness.HeadersIn(t, filepath.Join(s.Out, "web.oci"), r.Digest(t, "layout"))
	}
	first := build("left out: /run/made: ", "left out: security.capability of /opt/app/capable: ")
	s.Replace("app.yaml", "round 1", "round 2")
	again := build()
	const dated, service = 1735689600, 500
	for name, h := range first {
		if other := again[name]; other == nil || other.ModTime != h.ModTime || other.Size != h.Size || other.Uid != h.Uid {
			t.Errorf("%s: %+v, and then %+v", name, h, other)
		}
		if own := strings.HasPrefix(name, "opt") || strings.HasPrefix(name, "runtime"); own && h.ModTime.Unix() != dated {
			t.Errorf("%s is of %v", name, h.ModTime)
		}
		if h.Mode&0o6000 != 0 || h.PAXRecords["SCHILY.xattr.security.capability"] != "" && name != "usr/sbin/nginx" {
			t.Errorf("%s has mode %o and %q", name, h.Mode, h.PAXRecords)
		}
	}
	for name, owner := range map[string]int{"opt/app/hello.txt": service, "opt/app/site/index.html": service, "runtime/x": 0, `opt/app/a\x2db.mount`: 0, "etc/default/app": 0, "opt/app/shared": 0} {
		if h := first[name]; h == nil || h.Uid != owner || h.Gid != owner {
			t.Errorf("%s is %+v", name, h)
		}
	}
	if one, two := first["opt/app/again"], first["opt/app/hello.txt"]; one == nil || two == nil || one.Typeflag != tar.TypeLink && two.Typeflag != tar.TypeLink {
		t.Errorf("one file became two: %+v, %+v", one, two)
	}
	if first["usr/sbin/nginx"].PAXRecords["SCHILY.xattr.security.capability"] == "" {
		t.Error("nginx lacks what the app file gives it")
	}
	for _, name := range []string{"tmp/junk", "run/made"} {
		if first[name] != nil {
			t.Errorf("%s is in the image", name)
		}
	}
	for step, want := range map[string]string{
		"touch /usr/share/.wh.x":                    "steps: /usr/share/.wh.x was made, which cannot be put into an image",
		`touch "/opt/$(printf 'caf\351')"`:          `steps: "/opt/caf\xe9" was made`,
		"printf '#!/bin/sh\\r\\n' >/usr/sbin/nginx": "steps: what packages brought to run, or what root starts or reads, is changed: /usr/sbin/nginx",
		"userdel app && groupadd app":               "service.user: the image has a group app and no such user",
	} {
		text := ownPart[:strings.Index(ownPart, "steps:")] + "steps: [{run: " + harness.JSON(t, step) + "}]\n" + ownPart[strings.Index(ownPart, "service:"):]
		harness.Overwrite(t, s.App(), []byte(strings.Replace(text, ", dockerfile: Dockerfile", "", 1)))
		s.Run("build", "--skip-tests", "--target", "container", "web").Want(t, 2, "web/app.yaml: ", want, "next:")
	}
}

// TestWithoutTheProgram: a bakelite that was built without the program that
// works on trees, and finds none beside it, says what to do.
func TestWithoutTheProgram(t *testing.T) {
	s := harness.NewSite(t)
	s.Binary = filepath.Join(harness.Folder(t), "bakelite")
	if err := os.Link(harness.Here.Binary, s.Binary); err != nil {
		t.Fatal(err)
	}
	s.Run("build", "--skip-tests", "web").Want(t, 3, "bakelite-tree", "next: build with: make build")
	s.Names()
}
