package pipelines

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/scan/controls"
)

// bakery is what a build needs, up to the engine, which it counts the asking
// for and never has.
type bakery struct {
	t      *testing.T
	k      Kitchen
	app    app.App
	lock   *lock.Lock
	opened int
}

// errNoEngine is how a build ends that has come to the engine.
var errNoEngine = errors.New("there is no engine")

func newBakery(t *testing.T) *bakery {
	t.Helper()
	b := &bakery{t: t, k: newPast(t).kitchen(), app: app.App{Name: "web", Dir: t.TempDir(), Base: app.Base{Debian: "trixie"}}}
	b.app.Path = filepath.Join(b.app.Dir, "app.yaml")
	b.k.Output, b.k.State, b.k.Platform = filepath.Join(t.TempDir(), "dist"), t.TempDir(), "linux/amd64"
	b.k.Controls, b.k.Mirrors = noControls{}, map[string][]string{"debian": {"http://archive.test/debian"}}
	b.k.Engine = func(context.Context) (*engine.Engine, error) {
		b.opened++
		return nil, errNoEngine
	}
	b.k.Vouch, b.k.Service = vouchKey(t), func() ([]byte, error) { return []byte("program"), nil }
	b.lock = smallLock(b.app)
	b.write(b.lock)
	b.seed()
	return b
}

func (b *bakery) write(l *lock.Lock) {
	b.t.Helper()
	if err := lock.Write(LockPath(b.app), l); err != nil {
		b.t.Fatal(err)
	}
}

// seed is there already: the lock names no package of it.
func (b *bakery) seed() {
	b.t.Helper()
	dir := filepath.Join(b.k.State, "seed", strings.TrimPrefix(digestOf(nil), "sha256:")[:32])
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.t.Fatal(err)
	}
	if _, err := oci.WriteImage(dir, b.k.Platform, io.NopCloser(bytes.NewReader(make([]byte, 1024)))); err != nil {
		b.t.Fatal(err)
	}
	if err := b.k.Vouch.NoteTree(b.t.Context(), vouch.Layout, filepath.Base(dir), dir); err != nil {
		b.t.Fatal(err)
	}
}

// baked puts a disk and its receipt where an earlier build left them, of the
// same key or of another.
func (b *bakery) baked(same bool) {
	b.t.Helper()
	key := "another"
	if same {
		var err error
		if key, err = b.k.key(b.app, b.lock); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := os.MkdirAll(b.k.Output, 0o755); err != nil {
		b.t.Fatal(err)
	}
	made := disk(b.t, b.k.Output, "web.raw")
	r := Receipt{App: "web", Key: key, Made: time.Now().Add(time.Minute), Artifacts: []artifact.Artifact{made}, Tests: map[string]Tested{artifact.Disk: {BootSeconds: 1}}}
	if err := b.k.writeReceipt(&r); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bakery) left() (names []string) {
	b.t.Helper()
	entries, err := os.ReadDir(b.k.Output)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if e.Name() != ".web.lock" {
			names = append(names, e.Name())
		}
	}
	return names
}

type noControls struct{}

func (noControls) ApplyScript(string) string                            { return "" }
func (noControls) CheckScript(string) string                            { return "" }
func (noControls) Results(string, io.Reader) ([]controls.Result, error) { return nil, nil }
func (noControls) KernelArguments() []string                            { return nil }

// TestOrderOfBaking: what is refused is refused before the engine is asked for,
// and whatever fails leaves the results of the build before as they were.
func TestOrderOfBaking(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil  func(*bakery)
		frozen bool
		opened int
		kind   fault.Kind
		says   string
	}{
		"a lock that does not fit":               {func(b *bakery) { l := *b.lock; l.Inputs = digestOf([]byte("other")); b.write(&l) }, true, 0, fault.Invalid, "the app file asks for other packages"},
		"an archive that the policy lets not in": {func(b *bakery) { b.k.Policy.Bases.Archives = []string{"other"} }, true, 0, fault.Policy, "debian"},
		"no mirror":                              {func(b *bakery) { b.k.Mirrors = nil }, true, 0, fault.Missing, "no mirror is known"},
		"no engine":                              {func(*bakery) {}, true, 1, fault.Internal, errNoEngine.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBakery(t)
			b.baked(false)
			before := b.left()
			tt.spoil(b)
			built, err := b.k.Build(t.Context(), b.app, BuildOptions{Targets: []string{artifact.Disk}, Frozen: tt.frozen})
			if err == nil || built != nil || !strings.Contains(err.Error(), tt.says) || fault.KindOf(err) != tt.kind {
				t.Errorf("ended with %v (%v), want %q (%v)", err, fault.KindOf(err), tt.says, tt.kind)
			}
			if b.opened != tt.opened {
				t.Errorf("the engine was asked for %d times, want %d", b.opened, tt.opened)
			}
			if left := b.left(); !slices.Equal(left, before) {
				t.Errorf("left %q, want %q", left, before)
			}
		})
	}
}

// TestNothingToBake: where all is there nobody asks for the engine, and for
// what is not there somebody does.
func TestNothingToBake(t *testing.T) {
	b := newBakery(t)
	b.baked(true)
	built, err := b.k.Build(t.Context(), b.app, BuildOptions{Targets: []string{artifact.Disk}, Frozen: true})
	if err != nil || built.Rebuilt || b.opened != 0 || len(built.Artifacts) != 1 {
		t.Fatalf("got %+v, %v, and asked for the engine %d times", built, err, b.opened)
	}
	if _, err = b.k.Build(t.Context(), b.app, BuildOptions{Frozen: true}); !errors.Is(err, errNoEngine) {
		t.Errorf("the container was not baked: %v", err)
	}
	if err := os.Remove(filepath.Join(b.k.Output, "web.raw")); err != nil {
		t.Fatal(err)
	}
	if _, err = b.k.Build(t.Context(), b.app, BuildOptions{Targets: []string{artifact.Disk}, Frozen: true}); !errors.Is(err, errNoEngine) {
		t.Errorf("a disk that is gone was not baked: %v", err)
	}
}
