package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/look"
)

// shop is a site that publishes the example's container: it has a key and a
// database.
type shop struct {
	site
	key, public, database string
}

var shopOnce sync.Once

var shared shop

// openShop bakes and tests the container once for all tests that publish it.
func openShop(t *testing.T) shop {
	t.Helper()
	shopOnce.Do(func() {
		s := newSite(t)
		dir := filepath.Join(here.dir, "shop")
		if err := os.Rename(filepath.Dir(s.dir), dir); err != nil {
			t.Fatal(err)
		}
		s.dir, s.out, s.env = filepath.Join(dir, "web"), filepath.Join(dir, "dist"), []string{"BAKELITE_KEY_PASSPHRASE="}
		s.run("keygen", "--name", filepath.Join(dir, "release")).want(t, 0)
		s.run("build", "--target", "container", "web").want(t, 0)
		shared = shop{site: s, key: filepath.Join(dir, "release.key"), public: filepath.Join(dir, "release.pub"), database: filepath.Join(dir, "db")}
		makeDatabase(t, shared.database, time.Now().Add(-2*time.Hour), "")
	})
	if shared.database == "" {
		t.Fatal("the shop did not open")
	}
	s := shared
	s.t = t
	return s
}

// branch is a shop of its own with the same key and database.
func branch(t *testing.T) shop {
	t.Helper()
	s := openShop(t)
	env := s.env
	s.site = newSite(t)
	s.env = env
	return s
}

// makeDatabase makes one of real facts, or of those in a JSON text.
func makeDatabase(t *testing.T, dir string, updated time.Time, facts string) {
	t.Helper()
	args := []string{"--updated", updated.UTC().Format(time.RFC3339)}
	if facts != "" {
		args = append(args, "--facts", writeFile(t, filepath.Join(t.TempDir(), "facts.json"), facts))
	}
	make := exec.Command(filepath.Join(here.dir, "testdb"), append(args, dir)...)
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("making the database: %v\n%s", err, out)
	}
}

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// folder is a new folder below that of the tests.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(here.dir, "folder-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// policy writes a policy file with some sections; release.pub lies beside it.
func (s shop) policy(sections string) string {
	s.t.Helper()
	dir := folder(s.t)
	writeFile(s.t, filepath.Join(dir, "release.pub"), read(s.t, s.public))
	return writeFile(s.t, filepath.Join(dir, "policy.yaml"), "apiVersion: bakelite.dev/v1\nkind: Policy\n"+sections)
}

// asks is what a consumer's policy says below verify, with some more keys.
func asks(more string) string { return "verify:\n  signedBy: [{key: release.pub}]\n" + more }

// publishing are the arguments that publish the app.
func (s shop) publishing(args ...string) []string {
	return append(append([]string{"publish", "--json", "--target", "container", "--key", s.key, "--database", s.database}, args...), "web")
}

func (s shop) publish(args ...string) outcome {
	s.t.Helper()
	return s.run(s.publishing(args...)...)
}

// sold publishes the container and returns what was said of it.
func (s shop) sold(args ...string) publication {
	s.t.Helper()
	r := s.publish(args...).result(s.t)
	if len(r.Published) != 1 {
		s.t.Fatalf("%d artifacts were published: %+v", len(r.Published), r.Published)
	}
	return r.Published[0]
}

func (s shop) verify(args ...string) outcome {
	s.t.Helper()
	return s.run(append([]string{"verify"}, args...)...)
}

// inspect returns what inspect --json says.
func (s shop) inspect(args ...string) look.Inspected {
	s.t.Helper()
	o := s.run(append([]string{"inspect", "--json", "--public-key", s.public}, args...)...).want(s.t, 0)
	var i look.Inspected
	if err := json.Unmarshal([]byte(o.stdout), &i); err != nil {
		s.t.Fatalf("reading stdout: %v\n%s", err, o.stdout)
	}
	return i
}

// says fails the test where stdout lacks a text.
func (o outcome) says(t *testing.T, texts ...string) outcome {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(o.stdout, text) {
			t.Errorf("stdout lacks %q:\n%s", text, o.stdout)
		}
	}
	return o
}

// absent fails the test where a layout is there that something was published
// to.
func absent(t *testing.T, layout string) {
	t.Helper()
	if _, err := os.Stat(strings.TrimPrefix(layout, registry.LayoutPrefix)); !os.IsNotExist(err) {
		t.Errorf("%s is there (%v)", layout, err)
	}
}
