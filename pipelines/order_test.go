package pipelines

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bakelite/bakelite/publish/keys"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/runners/probe"
	"github.com/bakelite/bakelite/scan/database"
)

// shop is a whole Kitchen of small real things: folders, layouts, a lock, a
// key, a gate. Only what needs a process or a machine of its own is played by
// the shop itself, which notes what is asked of it and fails where it is told.
type shop struct {
	t     *testing.T
	k     Kitchen
	app   app.App
	lock  *lock.Lock
	key   keys.Key
	shelf string // where it publishes
	// fails is what fails when it is asked for, in secret lies a secret, and
	// untested does not pass its tests.
	fails, secret, untested string

	mu    sync.Mutex
	asked []string
	// signatures are how many were made, and after how many the key fails.
	signatures, most int
}

// errNoEngine is how a build ends that has come to the engine.
var errNoEngine = errors.New("there is no engine")

func newShop(t *testing.T) *shop {
	t.Helper()
	p, dir := newPast(t), t.TempDir()
	s := &shop{t: t, k: p.kitchen(), key: p.key, shelf: filepath.Join(t.TempDir(), "shelf"), most: 1000}
	s.app = app.App{Name: "web", Dir: dir, Path: filepath.Join(dir, "app.yaml"), Base: app.Base{Debian: "trixie"}}
	s.lock = lockOf(s.app, "1")
	must(t, lock.Write(LockPath(s.app), s.lock))
	s.k.Output, s.k.State, s.k.Platform = t.TempDir(), t.TempDir(), s.lock.Platform
	vouches, err := vouch.Open(s.k.State)
	must(t, err)
	program := func() ([]byte, error) { return []byte("program"), nil }
	s.k.Vouch, s.k.Service, s.k.TreeProgram = vouches, program, program
	s.k.Mirrors = map[string][]string{"debian": {"http://archive.test/debian"}}
	s.k.Policy = policy.Policy{Dir: p.dir, Verify: policy.Verify{SignedBy: []policy.Signer{{Key: "release.pub"}}}}
	s.k.Engine = func(context.Context) (*engine.Engine, error) { return nil, errors.Join(s.ask("engine"), errNoEngine) }
	s.k.Testers = map[string]Tester{artifact.Container: tester{s}, artifact.Disk: tester{s}}
	s.k.Controls, s.k.Checker = noControls{}, s
	s.k.Publisher = Publisher{
		Scanner: s, Destination: registry.LayoutPrefix + s.shelf, SignerName: "release", Origin: Origin{Builder: "https://bakelite.dev/builder/local"},
		Database: func(context.Context) (database.Database, error) {
			return database.Database{Ref: "db", Digest: digestOf([]byte("db"))}, s.ask("database")
		},
		Signer: func(context.Context) (attest.Signer, error) { return attest.ByKey(s), s.ask("signer") },
	}
	s.seed()
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lockOf fits an app without files of its own; openssl has a version.
func lockOf(a app.App, version string) *lock.Lock {
	openssl := []lock.Pin{{Name: "openssl", Version: version, Arch: "amd64", Archive: "debian", Path: "pool/openssl.deb", SHA256: strings.Repeat("b", 64), Size: 1}}
	return &lock.Lock{
		APIVersion: lock.APIVersion, Kind: lock.Kind, App: a.Name, Bakelite: "1", Platform: "linux/amd64", Inputs: inputs(a),
		Distribution: &lock.Distribution{Name: "debian", Release: "13"}, Packages: lock.Layers{App: openssl, MachineApp: openssl},
		Archives: []lock.Archive{{Name: "debian", Suite: "trixie", InRelease: strings.Repeat("a", 64), Date: time.Now().UTC().Truncate(time.Second)}},
	}
}

// seed is there already: the lock names no package of it.
func (s *shop) seed() {
	s.t.Helper()
	dir := filepath.Join(s.k.State, "seed", strings.TrimPrefix(digestOf(nil), "sha256:")[:32])
	s.image(dir, 1024)
	must(s.t, s.k.Vouch.NoteTree(s.t.Context(), vouch.Layout, filepath.Base(dir), dir))
}

// image writes a layout with an image of one layer, an empty tar of some size.
func (s *shop) image(dir string, size int) artifact.Artifact {
	s.t.Helper()
	must(s.t, os.MkdirAll(dir, 0o700))
	digest, err := oci.WriteImage(dir, s.k.Platform, io.NopCloser(bytes.NewReader(make([]byte, size))))
	must(s.t, err)
	must(s.t, oci.Name(dir, "web", digest, s.k.Platform))
	total, err := oci.Size(dir, digest)
	must(s.t, err)
	return artifact.Artifact{Kind: artifact.Container, Format: "layout", Path: dir, Digest: digest, Size: total, Platform: s.k.Platform}
}

// disk writes a raw disk.
func (s *shop) disk(dir, content string) artifact.Artifact {
	s.t.Helper()
	path := filepath.Join(dir, "web.raw")
	must(s.t, os.WriteFile(path, []byte(content), 0o600))
	return artifact.Artifact{Kind: artifact.Disk, Format: "raw", Path: path, Digest: digests.Of([]byte(content)), Size: int64(len(content)), Platform: s.k.Platform}
}

// baked puts an image and a disk with their receipt where an earlier build
// from a lock left them.
func (s *shop) baked(from *lock.Lock) *Built {
	s.t.Helper()
	key, err := s.k.key(s.app, from)
	must(s.t, err)
	image := s.image(s.k.layoutPath("web"), 1024)
	passed := Tested{Results: []probe.Result{{Name: "the page is served", Passed: true}}}
	now := time.Now().UTC().Truncate(time.Second)
	r := Receipt{
		App: "web", Key: key, LockDigest: from.Digest(), Bakelite: "1", Started: now, Made: now.Add(time.Minute),
		Artifacts: []artifact.Artifact{image, s.disk(s.k.Output, "an older disk")},
		Tests:     map[string]Tested{artifact.Container: passed, artifact.Disk: passed},
	}
	must(s.t, s.k.writeReceipt(&r))
	return &Built{Receipt: r, lock: from}
}

// free says whether another build could have the app's place.
func (s *shop) free() bool {
	s.t.Helper()
	f, err := s.k.lockFile("web")
	must(s.t, err)
	defer f.Close()
	return taken(f)
}

// filesIn lists the files below a folder by content, but for the lock of the
// app's place. Of what is not there it lists nothing.
func filesIn(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == ".web.lock" {
			return err
		}
		text, err := os.ReadFile(path)
		below, _ := filepath.Rel(dir, path)
		files = append(files, below+" "+digestOf(text))
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}

// names are those of the files and folders in the output folder that anybody
// would look for.
func (s *shop) names() (names []string) {
	s.t.Helper()
	entries, err := os.ReadDir(s.k.Output)
	must(s.t, err)
	for _, e := range entries {
		if e.Name() != ".web.lock" {
			names = append(names, e.Name())
		}
	}
	return names
}

// has says whether the output folder has a name.
func (s *shop) has(name string) bool { return slices.Contains(s.names(), name) }
