package release

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/results"
)

// shop is a whole Publisher of small real things, with an app that was built.
type shop struct {
	*flowtest.Ports
	t    *testing.T
	p    Publisher
	app  app.App
	lock *lock.Lock
	// shelf is the folder that it publishes to.
	shelf string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	r := flowtest.NewRepository(t)
	s := &shop{Ports: flowtest.NewPorts(r.Key), t: t, app: flowtest.App(t), shelf: filepath.Join(t.TempDir(), "shelf")}
	s.lock = flowtest.Lock(s.app, digests.Of(nil), "1")
	s.p = publisher(r)
	s.p.Policy.Gate.Vulnerabilities.GraceDays = nil
	s.p.State = t.TempDir()
	key, err := vouch.Open(s.p.State)
	flowtest.Must(t, err)
	s.p.Folder = results.Folder{Path: t.TempDir(), Vouch: key}
	s.p.Examiner, s.p.Signer, s.p.SignerName = s.Examiner(), s.Signer, "release"
	s.p.Destination, s.p.Origin = registry.LayoutPrefix+s.shelf, Origin{Builder: "https://bakelite.dev/builder/local"}
	return s
}

// built is what a build from the lock left.
func (s *shop) built() *results.Built {
	s.t.Helper()
	return flowtest.Built(s.t, s.p.Folder, s.lock, "key")
}

func (s *shop) names() []string { return flowtest.Names(s.t, s.p.Folder) }

// has says whether the output folder has a name.
func (s *shop) has(name string) bool { return slices.Contains(s.names(), name) }

// publisher trusts a repository's key, and gives high findings 30 days.
func publisher(r flowtest.Repository) Publisher { return Publisher{Policy: r.Policy()} }

// subjectOf is the image of a repository.
func subjectOf(r flowtest.Repository) subject {
	return subject{name: "container", kind: artifact.Container, repository: r.Name, content: r.Content}
}
