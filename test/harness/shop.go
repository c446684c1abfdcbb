package harness

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/publish/intoto"
)

// Shop is a site that publishes the example's container: it has a key and a
// database.
type Shop struct {
	Site
	// Key signs, Public is its other half, Database what is scanned by: paths.
	Key, Public, Database string
}

var shopOnce sync.Once

var shared Shop

// OpenShop bakes and tests the container once for all tests that publish it.
func OpenShop(t *testing.T) Shop {
	t.Helper()
	shopOnce.Do(func() {
		s := NewSite(t)
		dir := filepath.Join(Here.Dir, "shop")
		if err := os.Rename(filepath.Dir(s.Dir), dir); err != nil {
			t.Fatal(err)
		}
		s.Dir, s.Out, s.Env = filepath.Join(dir, "web"), filepath.Join(dir, "dist"), []string{"BAKELITE_KEY_PASSPHRASE="}
		s.Run("keygen", "--name", filepath.Join(dir, "release")).Want(t, 0)
		s.Run("build", "--target", "container", "web").Want(t, 0)
		shared = Shop{Site: s, Key: filepath.Join(dir, "release.key"), Public: filepath.Join(dir, "release.pub"), Database: filepath.Join(dir, "db")}
		MakeDatabase(t, shared.Database, time.Now().Add(-2*time.Hour), "")
	})
	if shared.Database == "" {
		t.Fatal("the shop did not open")
	}
	s := shared
	s.T = t
	return s
}

// Branch is a shop of its own with the same key and database.
func Branch(t *testing.T) Shop {
	t.Helper()
	s := OpenShop(t)
	env := s.Env
	s.Site = NewSite(t)
	s.Env = env
	return s
}

// MakeDatabase makes one of real facts, or of those in a JSON text.
func MakeDatabase(t *testing.T, dir string, updated time.Time, facts string) {
	t.Helper()
	args := []string{"--updated", updated.UTC().Format(time.RFC3339)}
	if facts != "" {
		args = append(args, "--facts", WriteFile(t, filepath.Join(t.TempDir(), "facts.json"), facts))
	}
	testdb := exec.CommandContext(t.Context(), filepath.Join(Here.Dir, "testdb"), append(args, dir)...)
	if out, err := testdb.CombinedOutput(); err != nil {
		t.Fatalf("making the database: %v\n%s", err, out)
	}
}

// Policy writes a policy file with some sections; release.pub lies beside it.
func (s Shop) Policy(sections string) string {
	s.T.Helper()
	dir := Folder(s.T)
	WriteFile(s.T, filepath.Join(dir, "release.pub"), Read(s.T, s.Public))
	return WriteFile(s.T, filepath.Join(dir, "policy.yaml"), "apiVersion: bakelite.dev/v1\nkind: Policy\n"+sections)
}

// Asks is what a consumer's policy says below verify, with some more keys.
func Asks(more string) string { return "verify:\n  signedBy: [{key: release.pub}]\n" + more }

// Publishing are the arguments that publish the app.
func (s Shop) Publishing(args ...string) []string {
	return append(append([]string{"publish", "--json", "--target", "container", "--key", s.Key, "--database", s.Database}, args...), "web")
}

// Publish publishes the app.
func (s Shop) Publish(args ...string) Outcome {
	s.T.Helper()
	return s.Run(s.Publishing(args...)...)
}

// Sold publishes the container and returns what was said of it.
func (s Shop) Sold(args ...string) Publication {
	s.T.Helper()
	r := s.Publish(args...).Result(s.T)
	if len(r.Published) != 1 {
		s.T.Fatalf("%d artifacts were published: %+v", len(r.Published), r.Published)
	}
	return r.Published[0]
}

// Verify verifies what the arguments name.
func (s Shop) Verify(args ...string) Outcome {
	s.T.Helper()
	return s.Run(append([]string{"verify"}, args...)...)
}

// Inspect returns what inspect --json says.
func (s Shop) Inspect(args ...string) look.Inspected {
	s.T.Helper()
	o := s.Run(append([]string{"inspect", "--json", "--public-key", s.Public}, args...)...).Want(s.T, 0)
	var i look.Inspected
	if err := json.Unmarshal([]byte(o.Stdout), &i); err != nil {
		s.T.Fatalf("reading stdout: %v\n%s", err, o.Stdout)
	}
	return i
}

// Judged publishes and leaves no report of an earlier run beside the images.
func (s Shop) Judged(args ...string) Outcome {
	s.T.Helper()
	for _, name := range []string{"report", "verdict"} {
		if err := os.RemoveAll(filepath.Join(s.Out, "web.container."+name+".json")); err != nil {
			s.T.Fatal(err)
		}
	}
	return s.Publish(args...)
}

// Stated are the types of everything that is signed about an artifact.
func Stated() []string {
	return []string{
		intoto.SignatureType, intoto.ProvenanceType, intoto.CycloneDXType, intoto.SPDXType,
		intoto.ScanType, intoto.VerdictType, intoto.TestsType, intoto.LockType,
	}
}

// DatabaseTime is when the databases of tests were last changed.
func DatabaseTime() time.Time { return time.Now().Add(-time.Hour) }

// Facts are a finding with a fix, which the example's nginx is older than, and
// one of zlib that nobody has fixed yet.
const Facts = `[
  {"package": "nginx", "id": "CVE-2026-0001", "fixed": "99.0-1", "severity": "high"},
  {"package": "zlib", "id": "CVE-2026-0002", "fixed": "", "severity": "critical"}
]`
