package look

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/release"
	"github.com/bakelite/bakelite/pipelines/results"
)

// shop publishes an image and a disk for real, and has a Reader that trusts its
// key; the processes that look into artifacts are played by the ports.
type shop struct {
	*flowtest.Ports
	t    *testing.T
	r    Reader
	app  app.App
	lock *lock.Lock
	// p is who publishes, shelf the folder where.
	p     release.Publisher
	shelf string
	// tmp is the folder for temporary ones.
	tmp string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	by := flowtest.NewRepository(t)
	s := &shop{Ports: flowtest.NewPorts(by.Key), t: t, app: flowtest.App(t), shelf: filepath.Join(t.TempDir(), "shelf"), tmp: t.TempDir()}
	s.lock = flowtest.Lock(s.app, digests.Of(nil), "1")
	s.p = release.Publisher{
		Folder: results.Folder{Path: t.TempDir(), Vouch: vouchtest.Key(t)}, State: t.TempDir(), Policy: by.Policy(), Examiner: s.Examiner(),
		Signer: s.Signer, SignerName: "release", Destination: registry.LayoutPrefix + s.shelf, Origin: release.Origin{Builder: "https://bakelite.dev/builder/local"},
	}
	s.r = Reader{Policy: by.Policy(), Examiner: s.Examiner(), Platform: flowtest.Platform, Destination: s.p.Destination}
	t.Setenv("TMPDIR", s.tmp)
	return s
}

// publish publishes both artifacts, and begins to note anew.
func (s *shop) publish() *results.Built {
	s.t.Helper()
	built := flowtest.Built(s.t, s.p.Folder, s.lock, "key")
	flowtest.Must(s.t, s.p.Publish(s.t.Context(), s.app, built, release.Options{}))
	s.Again()
	return built
}

// find finds what has to be there.
func (s *shop) find(name string) Target {
	s.t.Helper()
	t, err := s.r.Find(s.t.Context(), name)
	flowtest.Must(s.t, err)
	return t
}

// image and disk are the names of what is published.
func (s *shop) image() string { return registry.LayoutPrefix + filepath.Join(s.shelf, "web") }
func (s *shop) disk() string  { return registry.LayoutPrefix + filepath.Join(s.shelf, "web-disk") }

// file is the disk as a build left it, with its bundles beside it.
func (s *shop) file() string { return filepath.Join(s.p.Folder.Path, "web.raw") }

// tidy says that nothing temporary is left.
func (s *shop) tidy() {
	s.t.Helper()
	entries, err := os.ReadDir(s.tmp)
	flowtest.Must(s.t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "bakelite-") {
			s.t.Errorf("%s is left", e.Name())
		}
	}
}

// stranger is a reader that trusts another key.
func (s *shop) stranger() Reader {
	s.t.Helper()
	r := s.r
	r.Policy = flowtest.NewRepository(s.t).Policy()
	return r
}
