package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
)

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func from(dir string, paths ...string) app.App {
	a := app.App{Dir: dir}
	for _, p := range paths {
		a.Files = append(a.Files, app.File{From: p, To: "/srv/x"})
	}
	return a
}

// TestCheckFiles: each way in which a path can be wrong has its own words.
func TestCheckFiles(t *testing.T) {
	dir := folder(t, map[string]string{
		"app/ok/a": "a", "app/file": "f", "app/layout/oci-layout": "{}", "outside/secret": "s", "app/bad/x": "", "app/piped/x": "", "app/loops/x": "",
	})
	in := filepath.Join(dir, "app")
	link(t, "ok", filepath.Join(in, "alias"))
	link(t, "../outside", filepath.Join(in, "escape"))
	link(t, "/etc", filepath.Join(in, "absolute"))
	link(t, "loop-b", filepath.Join(in, "loop-a"))
	link(t, "loop-a", filepath.Join(in, "loop-b"))
	link(t, "a", filepath.Join(in, "ok", "same"))
	link(t, "../file", filepath.Join(in, "bad", "up"))
	link(t, "itself", filepath.Join(in, "loops", "itself"))
	if err := syscall.Mkfifo(filepath.Join(in, "piped", "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"ok": "", "ok/": "", "./ok/a": "", "alias": "", "file": "",
		"none":          "none does not exist",
		"file/below":    "file/below cannot be read: not a directory",
		"/etc":          "/etc is absolute",
		"../outside":    "../outside leads out of the app file's folder with ..",
		"ok/../../app":  "leads out of the app file's folder with ..",
		"escape":        "escape is a symbolic link that leads out",
		"escape/secret": "escape/secret is a symbolic link that leads out",
		"absolute":      "absolute is a symbolic link that leads out",
		"loop-a":        "loop-a is a symbolic link that leads back to itself",
		"bad":           "bad/up is a symbolic link to ../file, outside of bad",
		"loops":         "loops/itself is a symbolic link that leads back to itself",
		"piped":         "piped/pipe is a named pipe",
	} {
		problems := app.CheckFiles(from(in, path))
		if (len(problems) == 0) != (want == "") || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s gave %q, not %q", path, problems.Error(), want)
		}
		if _, err := app.Files(from(in, path)); (err == nil) != (want == "") || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("Files of %s gave %v", path, err)
		}
	}
	for base, want := range map[app.Base]string{
		{Dockerfile: "file"}:                          "",
		{Dockerfile: "ok"}:                            "base.dockerfile: ok is not a regular file",
		{Dockerfile: "escape/secret"}:                 "leads out",
		{Image: "oci:layout"}:                         "",
		{Image: "oci:" + filepath.Join(in, "layout")}: "",
		{Image: "oci:ok"}:                             "base.image: ok is not an OCI layout folder",
		{Image: "oci:/nowhere"}:                       "base.image: /nowhere is not an OCI layout folder",
		{Image: "oci:../app/layout"}:                  "leads out",
		{Image: "oci:escape"}:                         "leads out",
	} {
		problems := app.CheckFiles(app.App{Dir: in, Base: base})
		if (len(problems) == 0) != (want == "") || !strings.Contains(problems.Error(), want) {
			t.Errorf("%+v gave %q, not %q", base, problems.Error(), want)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := folder(t, map[string]string{"site/b": "bb", "site/a/c": "", "site-x": "x", "unused": "u"})
	link(t, "b", filepath.Join(dir, "site", "link"))
	a := from(dir, "site", "./site-x", "site/b")
	files, err := app.Files(a)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	sums := map[string]string{}
	for _, f := range files {
		paths = append(paths, f.Path)
		sums[f.Path] = f.SHA256
	}
	if got := strings.Join(paths, " "); got != "site-x site/a/c site/b site/link" {
		t.Errorf("paths are %s", got)
	}
	want := sha256.Sum256([]byte("bb"))
	if sums["site/b"] != hex.EncodeToString(want[:]) || sums["site/link"] == sums["site/b"] {
		t.Errorf("sums are %v", sums)
	}
}

func TestLockInputs(t *testing.T) {
	base := app.LockInputs(valid())
	if !strings.HasPrefix(base, "sha256:") || len(base) != len("sha256:")+64 {
		t.Fatalf("got %q", base)
	}
	// The form is part of every lock: a change here makes all of them stale.
	const golden = "sha256:59682ab0bf6df91a56680a574338999c0006bffded9af816b067d3a2aa4e83a3"
	if base != golden {
		t.Errorf("the digest is %s, not %s", base, golden)
	}
	for name, tt := range map[string]struct {
		change func(*app.App)
		same   bool
	}{
		"defaults":      {func(a *app.App) { *a = app.WithDefaults(*a) }, true},
		"name":          {func(a *app.App) { a.Name = "other" }, true},
		"service":       {func(a *app.App) { a.Service.User = "other" }, true},
		"dockerfile":    {func(a *app.App) { a.Base.Dockerfile = "x" }, false},
		"twice":         {func(a *app.App) { a.Packages = []string{"nginx", "nginx"} }, true},
		"suite":         {func(a *app.App) { a.Base.Debian = "bookworm" }, false},
		"image":         {func(a *app.App) { a.Base.Image = "x" }, false},
		"packages":      {func(a *app.App) { a.Packages = []string{"nginx", "curl"} }, false},
		"kernel":        {func(a *app.App) { a.VM.Kernel = "linux-image-amd64" }, false},
		"vm packages":   {func(a *app.App) { a.VM.Packages = nil }, false},
		"moved package": {func(a *app.App) { a.Packages, a.VM.Packages = a.VM.Packages, a.Packages }, false},
		"admin":         {func(a *app.App) { a.VM.Admin = &app.Admin{} }, false},
	} {
		a := valid()
		tt.change(&a)
		if (app.LockInputs(a) == base) != tt.same {
			t.Errorf("%s: same is %v", name, !tt.same)
		}
	}
	one, two := valid(), valid()
	one.Packages, two.Packages = []string{"a1", "b1"}, []string{"b1", "a1"}
	if app.LockInputs(one) != app.LockInputs(two) {
		t.Error("the order of packages matters")
	}
	if one.Packages[0] != "a1" || two.Packages[0] != "b1" {
		t.Error("the argument was sorted")
	}
}

// TestDockerfileCountsWhatItMayCopy: a changed file of the context changes the
// files of the app; the app file, its lock and results do not.
func TestDockerfileCountsWhatItMayCopy(t *testing.T) {
	dir := folder(t, map[string]string{
		"app.yaml": "", "app.lock": "", "Dockerfile": "FROM base", "page.html": "1", "sub/x": "x", "dist/web.qcow2": "", ".git/HEAD": "",
	})
	a := app.App{Dir: dir, Path: filepath.Join(dir, "app.yaml"), Base: app.Base{Dockerfile: "Dockerfile"}}
	files, err := app.Files(a)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	if got, want := strings.Join(paths, " "), "Dockerfile page.html sub/x"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
