package test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/test/harness"
)

// onBase is an app on another app's image, with a Dockerfile, a step and
// files of its own on top.
const onBase = `apiVersion: bakelite.dev/v1
name: onbase
base:
  image: "oci:BASE"
  dockerfile: Dockerfile
packages: [nginx, ssl-cert]
files:
  - {from: page.html, to: /srv/page.html, owner: www-data, mode: "0640"}
  - {content: "inline\n", to: /etc/inline}
  - {from: venv, to: /opt/venv}
steps:
  - run: |
      tail -n +2 /proc/net/route >/usr/share/routes
      cat /srv/page.html /usr/share/from-dockerfile >/usr/share/page
service:
  command: [/usr/bin/sleep, "1000"]
  user: www-data
container: {shell: true}
tests:
  - command: {run: [/opt/venv/bin/tool], contains: a tool}
  - command: {run: [/usr/bin/stat, -c, "%a %n", /opt/venv/bin/tool, /opt/venv/note], contains: "755 /opt/venv/bin/tool\n644 /opt/venv/note"}
  - command: {run: [/usr/bin/readlink, /opt/venv/bin/cat], contains: /usr/bin/cat}
  - command: {run: [/usr/bin/cat, /srv/index.html, /srv/.hidden]}
  - command: {run: [/usr/bin/stat, -c, "routes: %s bytes", /usr/share/routes], contains: "routes: 0 bytes"}
  - command: {run: [/usr/bin/cat, /usr/share/page], contains: "the page\nof the Dockerfile"}
  - command: {run: [/usr/bin/stat, -c, "%U %a %n", /srv/page.html], contains: www-data 640}
  - command: {run: [/usr/sbin/nginx, -v], contains: nginx/1}
`

// TestImageAndDockerfileAsBase bakes a base, and an app on its image with a
// Dockerfile on top: the base's packages are not installed again, steps see no
// network, a changed file of the Dockerfile's context is noticed, and another
// base image makes the lock stale.
func TestImageAndDockerfileAsBase(t *testing.T) {
	harness.FirstBake(t)
	s := harness.EmptySite(t)
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(filepath.Dir(s.Dir), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const base = "apiVersion: bakelite.dev/v1\nname: base\nbase: {debian: trixie}\nservice: {command: [/bin/true], user: nobody}\ncontainer: {shell: true}\n"
	write("base/app.yaml", base)
	write("web/app.yaml", "")
	build := func(app string) harness.Result {
		t.Helper()
		return s.Run("build", "--json", "--target", "container", app).Want(t, 0).Result(t)
	}
	s.Run("build", "--skip-tests", "--target", "container", "base").Want(t, 0)

	write("web/app.yaml", onBase)
	s.Replace("app.yaml", "BASE", filepath.Join(s.Out, "base.oci"))
	write("web/page.html", "the page\n")
	write("web/copied.txt", "of the Dockerfile\n")
	write("web/Dockerfile", "FROM base\nCOPY copied.txt /usr/share/from-dockerfile\nCOPY dist/index.html .hidden /srv/\nENV A=b\nRUN --mount=type=cache,id=kept,target=/mnt chmod 600 /usr/share/from-dockerfile\n")
	write("web/dist/index.html", "old\n")
	write("web/.hidden", "old\n")
	write("web/venv/note", "a note\n")
	write("web/venv/bin/tool", "#!/bin/sh\necho a tool\n")
	if err := os.Chmod(filepath.Join(s.Dir, "venv/bin/tool"), 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/usr/bin/cat", filepath.Join(s.Dir, "venv/bin/cat")); err != nil {
		t.Fatal(err)
	}
	s.Run("build", "--target", "container", "--output", "web/venv/out", "web").Want(t, 2, "files[2].from: venv holds the folder of --output", "next:")
	s.Replace("app.yaml", "to: /etc/inline", "to: /etc/inline, owner: stranger")
	s.Run("build", "--target", "container", "web").Want(t, 2, "web/app.yaml", "files[1].owner: the image has no user or group stranger", "next:")
	s.Replace("app.yaml", ", owner: stranger", "")
	s.Replace("Dockerfile", "COPY copied.txt", "COPY app.lock copied.txt")
	s.Run("build", "--target", "container", "web").Want(t, 5, "app.lock", "not found", "next: a Dockerfile can copy what .dockerignore lets through")
	s.Replace("Dockerfile", "COPY app.lock copied.txt", "COPY copied.txt")
	o := s.Run("build", "--json", "--target", "container", "web").Want(t, 0, ": ENV A as service.environment")
	first := o.Result(t)
	if r, err := (results.Folder{Path: s.Out}).Receipt("onbase"); err != nil || !slices.Equal(r.CacheMounts, []string{"kept"}) {
		t.Errorf("the receipt names the caches %q (%v)", r.CacheMounts, err)
	}
	image := pathsIn(t, filepath.Join(s.Out, "onbase.oci"), first.Digest(t, "layout"))
	if !image["usr/sbin/make-ssl-cert"] || image["etc/ssl/private/ssl-cert-snakeoil.key"] {
		t.Error("the image lacks ssl-cert, or has the key that it makes")
	}
	if again := build("web"); again.Rebuilt || again.Digest(t, "layout") != first.Digest(t, "layout") {
		t.Errorf("with nothing changed: %+v", again)
	}
	write("web/copied.txt", "of the Dockerfile, changed\n")
	if changed := build("web"); !changed.Rebuilt || changed.Digest(t, "layout") == first.Digest(t, "layout") {
		t.Error("a changed file of the Dockerfile's context was not noticed")
	}
	for _, name := range []string{"web/dist/index.html", "web/.hidden"} {
		write(name, "new\n")
		s.Run("build", "--frozen", "--target", "container", "web").Want(t, 2, "the app's own files changed")
		s.Run("lock", "web").Want(t, 0)
	}
	s.Replace("app.yaml", `[/usr/bin/sleep, "1000"]`, "[/opt/venv/note]")
	s.Run("build", "--target", "container", "web").Want(t, 2, "web/app.yaml: ", "service.command[0]: /opt/venv/note is a file that cannot be executed", "next:")

	write("base/app.yaml", base+"files: [{content: \"x\", to: /etc/x}]\n")
	s.Run("build", "--skip-tests", "--target", "container", "base").Want(t, 0)
	s.Run("build", "--frozen", "--target", "container", "web").Want(t, fault.ExitCode(fault.New(fault.Invalid, "")), "the base image is another one")
	harness.LeavesNothing(t)
}

// pathsIn are those of an image's files.
func pathsIn(t *testing.T, layout, digest string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for name := range harness.HeadersIn(t, layout, digest) {
		all[name] = true
	}
	return all
}
