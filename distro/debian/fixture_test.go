package debian_test

import (
	"archive/tar"
	"testing"
	"time"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/internal/vouch"
)

// released is the date of the local archive, and today the tests' clock.
var (
	released = archivetest.Released()
	today    = released.Add(24 * time.Hour)
)

// localArchive is a small real archive.
type localArchive struct {
	*archivetest.Archive
	t *testing.T
}

// newLocalArchive serves the packages in trixie, and one in trixie-security.
func newLocalArchive(t *testing.T, packages ...archivetest.Package) *localArchive {
	t.Helper()
	a := &localArchive{archivetest.New(t), t}
	clear(a.Files) // each suite has one index
	a.Publish("trixie", released, packages...)
	a.Publish("trixie-updates", released)
	a.Publish("trixie-security", released, archivetest.Package{Name: "zlib1g", Version: "1:1.3-2+deb13u1"})
	return a
}

// client returns a client with a cache of its own; the bases come before the
// archive's own address.
func (a *localArchive) client(options debian.Options, bases ...string) *debian.Client {
	a.t.Helper()
	if options.Cache == "" {
		options.Cache = a.t.TempDir()
	}
	if options.Now == nil {
		options.Now = func() time.Time { return today }
	}
	key, err := vouch.Open(options.Cache) // one for all who share the cache
	if err != nil {
		a.t.Fatal(err)
	}
	options.Vouch = key
	return a.Open(options, bases...)
}

func dir(name string) tar.Header  { return tar.Header{Typeflag: tar.TypeDir, Name: name} }
func file(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name} }
func link(name, to string) tar.Header {
	return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to}
}
func hard(name, to string) tar.Header {
	return tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: to}
}
