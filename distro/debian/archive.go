// Package debian reads a distribution's signed package archive: it verifies
// the index, pins packages by content, downloads them, unpacks the seed that
// apt and dpkg run from, and lets apt's own resolver decide what a set of
// names needs. It refuses an index that is unsigned, signed by a key outside
// the keyring, expired, from the future, older than one seen before or not
// the one asked for, and content whose hash is not the pinned one. Archives
// have names; mirrors are settings, and no host is built in.
package debian

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/bakelite/bakelite/distro/debian/fetch"
	"github.com/bakelite/bakelite/distro/debian/index"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/once"
	"github.com/bakelite/bakelite/internal/vouch"
)

// Options configure a Client.
type Options struct {
	// Cache is the folder for indexes, packages and seeds; it is made where
	// it does not exist. Required.
	Cache string
	// Vouch tells what an earlier command unpacked there from what others put
	// there: programs of the cache run on this machine.
	Vouch vouch.Key
	// Mirrors lists the base URLs (http, https, file) of each archive by the
	// archive's name, best first.
	Mirrors map[string][]string
	// Keyring is a file of OpenPGP public keys, armored or not; where it is
	// empty the Debian archive's own keys count.
	Keyring string
	// Now is the clock for expiry, time.Now where it is nil.
	Now func() time.Time
	// Report is told of each failure that another mirror or another try made
	// good; it may be nil and may be called from several goroutines.
	Report func(error)
}

// store is the cache: files by their content, and what is known of indexes.
type store struct{ fetch.Store }

// Client reads archives; a command has one. It is safe for concurrent use.
type Client struct {
	store   store
	mirrors *fetch.Mirrors
	keys    index.Keys
	now     func() time.Time
	report  func(error)

	releases  once.Map[indexFile]
	snapshots once.Map[*Snapshot]
	worlds    once.Map[*World]
	seeds     once.Map[prepared]
	plans     once.Map[[]lock.Pin]
	aptTrees  once.Map[*aptTree]
}

// New returns a Client; a keyring that cannot be read is a fault.Missing or
// fault.Invalid, a cache folder that cannot be made a fault.Internal.
func New(o Options) (*Client, error) {
	keys, err := index.ReadKeyring(o.Keyring)
	if err != nil {
		return nil, err
	}
	cache, err := filepath.Abs(o.Cache)
	if err != nil || o.Cache == "" {
		return nil, fault.New(fault.Invalid, "the cache folder %q is not usable", o.Cache)
	}
	c := &Client{store: store{fetch.Store{Dir: cache, Vouch: o.Vouch}}, keys: keys, now: o.Now, report: o.Report}
	if c.now == nil {
		c.now = time.Now
	}
	if c.report == nil {
		c.report = func(error) {}
	}
	c.mirrors = fetch.NewMirrors(o.Mirrors, c.report)
	for _, dir := range []string{"sha256", "seen", "seed", "apt", "catalog", "tmp"} {
		if err := os.MkdirAll(filepath.Join(cache, dir), 0o700); err != nil {
			return nil, fault.Hint(fault.New(fault.Internal, "making the cache folder: %w", err), "Set the cache folder to one that you may write to.")
		}
	}
	return c, nil
}

// source is one signed index of a distribution.
type source struct {
	archive, suite, component string
}

func (s source) String() string { return fmt.Sprintf("%s %s", s.archive, s.suite) }

// Archives returns the names of the archives that a release comes from, each
// once; none for a release that is not known.
func Archives(suite string) []string {
	sources, _ := sourcesOf(suite) // who asks for its index is told
	var names []string
	for _, s := range sources {
		if !slices.Contains(names, s.archive) {
			names = append(names, s.archive)
		}
	}
	return names
}

// sourcesOf lists the sources that make up a release, or gives a
// fault.Invalid that names the known releases.
func sourcesOf(suite string) ([]source, error) {
	switch suite {
	case "trixie":
		return []source{
			{"debian", suite, "main"},
			{"debian", suite + "-updates", "main"},
			{"debian-security", suite + "-security", "main"},
		}, nil
	}
	return nil, fault.Hint(fault.New(fault.Invalid, "the suite %q is not supported", suite), "Use trixie.")
}

// Number is the number of a release by its name, as advisories call it: "13";
// "" for one that is not supported.
func Number(suite string) string {
	return map[string]string{"bookworm": "12", "trixie": "13"}[suite]
}
