package pin

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
)

// TestResultsAreNoFilesOfTheApp: a tree that holds the folder of results would
// grow with each build, and is refused before there is any; a Dockerfile does
// not see that folder.
func TestResultsAreNoFilesOfTheApp(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "app")
	for _, folder := range []string{"dist/assets", "site"} {
		if err := os.MkdirAll(filepath.Join(in, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{"dist/assets/x": "x", "site/y": "y", "Dockerfile": "FROM base"} {
		if err := os.WriteFile(filepath.Join(in, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(in, "dist"), filepath.Join(dir, "alias")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ from, dockerfile, output, want, unseen string }{
		{"dist", "", "app/dist", "files[0].from: dist holds the folder of --output", "dist"},
		{"dist", "", "app/dist/sub/none", "files[0].from", "dist/sub/none"},
		{"dist", "", "alias", "files[0].from", "dist"},
		{"dist/assets", "", "app/dist", "", "dist"},
		{"dist", "", "app/dist2", "", "dist2"},
		{"dist", "", "elsewhere", "", ""},
		{"", "Dockerfile", "app", "base.dockerfile copies from", "."},
		{"", "Dockerfile", "app/dist", "", "dist"},
		{"", "Dockerfile", ".", "", ""},
	} {
		a := app.App{Dir: in, Path: filepath.Join(in, "app.yaml"), Base: app.Base{Dockerfile: tt.dockerfile}}
		if tt.from != "" {
			a.Files = []app.File{{From: tt.from, To: "/srv"}}
		}
		e := Excluded{Output: filepath.Join(dir, tt.output), State: filepath.Join(dir, "state")}
		files, err := e.Files(a)
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.HintOf(err), "--output")) {
			t.Errorf("%+v gave %v", tt, err)
		}
		if unseen := e.Unseen(a)[rootfs.Context]; slices.Contains(unseen, tt.unseen) != (tt.unseen != "") {
			t.Errorf("%+v: unseen are %q", tt, unseen)
		}
		for _, f := range files {
			if tt.dockerfile != "" && tt.output == "app/dist" && strings.HasPrefix(f.Path, "dist/") {
				t.Errorf("%+v: the Dockerfile sees %s", tt, f.Path)
			}
		}
	}
}

// TestPublicationsAndKeysAreNoFilesOfTheApp: publishing below the app's folder
// makes nothing stale, and no key that lies in it gets into an image.
func TestPublicationsAndKeysAreNoFilesOfTheApp(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"app.yaml", "Dockerfile", "pub/web/index.json", "keys/sign.key", "boot.key", "site/page"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte(path), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(dir, "site")) // an empty name is not this folder
	e := Excluded{
		Output: t.TempDir(), State: t.TempDir(), Registry: "oci:" + filepath.Join(dir, "pub"),
		Keys: []string{filepath.Join(dir, "keys/sign.key"), filepath.Join(dir, "boot.key"), "", "env:KEY"},
	}
	a := app.App{Dir: dir, Path: filepath.Join(dir, "app.yaml"), Base: app.Base{Dockerfile: "Dockerfile"}}
	files, err := e.Files(a)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	if want := []string{"Dockerfile", "keys", "site/page"}; !slices.Equal(paths, want) {
		t.Errorf("files are %q, want %q", paths, want)
	}
	a.Files = []app.File{{From: "pub", To: "/srv"}}
	if _, err := e.Files(a); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.HintOf(err), "set --registry") {
		t.Errorf("a tree of what is published gave %v", err)
	}
}
