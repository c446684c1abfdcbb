package test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
)

// site is an app folder of one test with its own output folder.
type site struct {
	t               *testing.T
	dir, out, state string
	// binary is the program where it is not here's, env what is added to the
	// environment.
	binary string
	env    []string
}

// newSite copies the example and its lock, as the first bake left it.
func newSite(t *testing.T) site {
	t.Helper()
	first := firstBake(t)
	s := emptySite(t)
	s.copy(first.dir)
	return s
}

func emptySite(t *testing.T) site {
	t.Helper()
	dir, err := os.MkdirTemp(here.dir, "site-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return site{t: t, dir: filepath.Join(dir, "web"), out: filepath.Join(dir, "dist"), state: here.state}
}

// freshState gives the site an empty state folder, whose engine ends with the
// test.
func (s *site) freshState() {
	s.t.Helper()
	dir, err := os.MkdirTemp(here.dir, "state-")
	if err != nil {
		s.t.Fatal(err)
	}
	s.state = dir
	then := *s
	s.t.Cleanup(func() { then.run("engine", "stop").want(then.t, 0); _ = os.RemoveAll(dir) })
}

func (s site) copy(from string) {
	s.t.Helper()
	if err := os.CopyFS(s.dir, os.DirFS(from)); err != nil {
		s.t.Fatal(err)
	}
}

func (s site) app() string  { return filepath.Join(s.dir, "app.yaml") }
func (s site) lock() string { return filepath.Join(s.dir, "app.lock") }

// replace edits one of the app's files; the old text must be there.
func (s site) replace(name, old, new string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	text := read(s.t, path)
	if !strings.Contains(text, old) {
		s.t.Fatalf("%s lacks %q", name, old)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, old, new)), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// made lists what stands under final names in the output folder.
func (s site) made() []string {
	s.t.Helper()
	entries, err := os.ReadDir(s.out)
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && filepath.Ext(e.Name()) != ".log" {
			names = append(names, e.Name())
		}
	}
	return names
}

// names fails the test where the output folder holds other final names.
func (s site) names(want ...string) {
	s.t.Helper()
	if made := s.made(); !slices.Equal(made, want) {
		s.t.Errorf("the output folder holds %q, want %q", made, want)
	}
}

// path is where an artifact lies: paths start at the command's folder.
func (s site) path(a artifact.Artifact) string {
	if filepath.IsAbs(a.Path) {
		return a.Path
	}
	return filepath.Join(filepath.Dir(s.dir), a.Path)
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// baked is the first bake: a clean copy of the example.
type baked struct {
	site
	outcome outcome
}

var firstOnce sync.Once

var first baked

// firstBake bakes the example once for all tests, without its declared tests.
// It locks the example first: archives drop the packages of older locks.
func firstBake(t *testing.T) baked {
	t.Helper()
	needs(t)
	firstOnce.Do(func() {
		dir := filepath.Join(here.dir, "first")
		s := site{t: t, dir: filepath.Join(dir, "web"), out: filepath.Join(dir, "dist"), state: here.state}
		s.copy("../examples/web")
		s.run("lock", "web").want(t, 0)
		first = baked{site: s, outcome: s.run("build", "--json", "--skip-tests", "web")}
	})
	if first.dir == "" { // Once does not begin again where it ended early
		t.Fatal("the first bake failed, in the test that came first")
	}
	first.t = t
	first.outcome.want(t, 0)
	return first
}
