package harness

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
)

// Site is an app folder of one test with its own output folder.
type Site struct {
	T *testing.T
	// Dir is the app's folder, Out where results lie, State what --state names.
	Dir, Out, State string
	// Binary is the program where it is not Here's, Env what is added to the
	// environment.
	Binary string
	Env    []string
}

// NewSite copies the example and its lock, as the first bake left it.
func NewSite(t *testing.T) Site {
	t.Helper()
	first := FirstBake(t)
	s := EmptySite(t)
	s.Copy(first.Dir)
	return s
}

// EmptySite has folders of its own, and no app yet.
func EmptySite(t *testing.T) Site {
	t.Helper()
	dir, err := os.MkdirTemp(Here.Dir, "site-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return Site{T: t, Dir: filepath.Join(dir, "web"), Out: filepath.Join(dir, "dist"), State: Here.State}
}

// FreshState gives the site an empty state folder, whose engine ends with the
// test.
func (s *Site) FreshState() {
	s.T.Helper()
	dir, err := os.MkdirTemp(Here.Dir, "state-")
	if err != nil {
		s.T.Fatal(err)
	}
	s.State = dir
	then := *s
	s.T.Cleanup(func() { then.Run("engine", "stop").Want(then.T, 0); _ = os.RemoveAll(dir) })
}

// Copy makes the app's folder as another one.
func (s Site) Copy(from string) {
	s.T.Helper()
	if err := os.CopyFS(s.Dir, os.DirFS(from)); err != nil {
		s.T.Fatal(err)
	}
}

// App is the path of the app file.
func (s Site) App() string { return filepath.Join(s.Dir, "app.yaml") }

// Lock is the path of the lock.
func (s Site) Lock() string { return filepath.Join(s.Dir, "app.lock") }

// Replace edits one of the app's files; the old text must be there.
func (s Site) Replace(name, old, new string) {
	s.T.Helper()
	path := filepath.Join(s.Dir, name)
	text := Read(s.T, path)
	if !strings.Contains(text, old) {
		s.T.Fatalf("%s lacks %q", name, old)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, old, new)), 0o644); err != nil {
		s.T.Fatal(err)
	}
}

// made lists what stands under final names in the output folder.
func (s Site) made() []string {
	s.T.Helper()
	entries, err := os.ReadDir(s.Out)
	if err != nil && !os.IsNotExist(err) {
		s.T.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && filepath.Ext(e.Name()) != ".log" {
			names = append(names, e.Name())
		}
	}
	return names
}

// Names fails the test where the output folder holds other final names.
func (s Site) Names(want ...string) {
	s.T.Helper()
	if made := s.made(); !slices.Equal(made, want) {
		s.T.Errorf("the output folder holds %q, want %q", made, want)
	}
}

// Path is where an artifact lies: paths start at the command's folder.
func (s Site) Path(a artifact.Artifact) string {
	if filepath.IsAbs(a.Path) {
		return a.Path
	}
	return filepath.Join(filepath.Dir(s.Dir), a.Path)
}

// Baked is the first bake: a clean copy of the example.
type Baked struct {
	Site
	Outcome Outcome
}

var firstOnce sync.Once

var first Baked

// FirstBake bakes the example once for all tests, without its declared tests.
// It locks the example first: archives drop the packages of older locks.
func FirstBake(t *testing.T) Baked {
	t.Helper()
	Needs(t)
	firstOnce.Do(func() {
		dir := filepath.Join(Here.Dir, "first")
		s := Site{T: t, Dir: filepath.Join(dir, "web"), Out: filepath.Join(dir, "dist"), State: Here.State}
		s.Copy("../examples/web")
		s.Run("lock", "web").Want(t, 0)
		first = Baked{Site: s, Outcome: s.Run("build", "--json", "--skip-tests", "web")}
	})
	if first.Dir == "" { // Once does not begin again where it ended early
		t.Fatal("the first bake failed, in the test that came first")
	}
	first.T = t
	first.Outcome.Want(t, 0)
	return first
}
