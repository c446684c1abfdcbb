package fleet

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/pin"
)

// TestImageName: two references are of one image where they lead to the same
// repository or folder, whatever their tag, digest or way there.
func TestImageName(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Symlink(dir, dir+".link"))
	real, err := filepath.EvalSymlinks(dir)
	must(t, err)
	layout := app.LayoutPrefix + filepath.Join(real, "web.oci")
	for ref, want := range map[string]string{
		"registry.example/team/web":                      "registry.example/team/web",
		"registry.example/team/web:stable":               "registry.example/team/web",
		"registry.example/team/web@sha256:1":             "registry.example/team/web",
		"registry.example/team/web:1.0@sha256:1":         "registry.example/team/web",
		"registry.example:5000/team/web":                 "registry.example:5000/team/web",
		"registry.example:5000/team/web:1.0":             "registry.example:5000/team/web",
		app.LayoutPrefix + "web.oci":                     layout,
		app.LayoutPrefix + "./below/../web.oci":          layout,
		app.LayoutPrefix + filepath.Join(dir, "web.oci"): layout,
		app.LayoutPrefix + dir + ".link/web.oci":         layout,
	} {
		if got := imageName(dir, ref); got != want {
			t.Errorf("%s is %s, want %s", ref, got, want)
		}
	}
}

// TestOriginOf tells suites by what their name ends in, and not by what is in
// it.
func TestOriginOf(t *testing.T) {
	for suite, want := range map[string]update.Origin{
		"trixie": update.PointRelease, "trixie-security": update.Security, "trixie-updates": update.Updates,
		"security-trixie": update.PointRelease, "trixie-securityx": update.PointRelease, "": update.PointRelease,
	} {
		if got := originOf(suite); got != want {
			t.Errorf("%s is %s", suite, got)
		}
	}
}

// TestWithoutRebuild takes off a rebuild's number and nothing that only looks
// like one: it names the source that advisories are of.
func TestWithoutRebuild(t *testing.T) {
	for version, want := range map[string]string{
		"1.26-1+b2": "1.26-1", "1.26-1+b12": "1.26-1", "1.26-1": "1.26-1", "1.26-1+deb13u1": "1.26-1+deb13u1",
		"1.26-1+deb13u1+b1": "1.26-1+deb13u1", "1.0+b": "1.0+b", "1.0+beta1": "1.0+beta1", "1+b1-2": "1+b1-2", "": "",
	} {
		if got := withoutRebuild(version); got != want {
			t.Errorf("%q is of %q, want %q", version, got, want)
		}
	}
}

// TestDrifted: each thing that its owner changed is a change of its own; that
// nothing was built here is one only where something is to be built.
func TestDrifted(t *testing.T) {
	base := &lock.Image{Ref: "registry.example/base:13", Digest: "sha256:1"}
	for name, tt := range map[string]struct {
		drift    bake.Drift
		building bool
		want     string
	}{
		"nothing":              {bake.Drift{}, true, "[]"},
		"other packages":       {bake.Drift{Drift: pin.Drift{Asked: "it asks for more"}}, false, "[app /web/app.yaml > it asks for more]"},
		"another base":         {bake.Drift{Drift: pin.Drift{Base: "sha256:2"}}, false, "[image registry.example/base:13 sha256:1>sha256:2 ]"},
		"two files":            {bake.Drift{Drift: pin.Drift{Files: []string{"a", "b"}}}, false, "[files a > a changed files b > b changed]"},
		"not built":            {bake.Drift{Unbuilt: "an artifact is gone"}, true, "[unbuilt web > an artifact is gone]"},
		"not built, nor to be": {bake.Drift{Unbuilt: "an artifact is gone"}, false, "[]"},
		"another version":      {bake.Drift{Recipe: "0.9"}, false, "[bakelite bakelite 0.9>1.0 ]"},
		"another recipe":       {bake.Drift{Recipe: "1.0"}, false, "[bakelite bakelite 1.0>1.0 the app file or Bakelite's recipe would now give something else]"},
	} {
		s := Standing{App: app.App{Name: "web", Path: "/web/app.yaml"}, Lock: &lock.Lock{Base: base}}
		s.drifted(tt.drift, tt.building, "1.0")
		got := []string{}
		for _, c := range s.Changes {
			got = append(got, fmt.Sprintf("%s %s %s>%s %s", c.Kind, c.Name, c.From, c.To, c.Why))
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%s: %v, want %s", name, got, tt.want)
		}
	}
}
