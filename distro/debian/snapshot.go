package debian

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/agext/levenshtein"

	"github.com/bakelite/bakelite/distro/debian/content"
	"github.com/bakelite/bakelite/distro/debian/index"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/lock"
)

// Snapshot is a release's verified index for one architecture, as the
// archives had it at one time. It is safe for concurrent use.
type Snapshot struct {
	Suite string
	Arch  string
	// Distribution is what the packages are of.
	Distribution lock.Distribution
	// Archives are the signed indexes, in the order of preference.
	Archives []lock.Archive

	files    []indexFile
	packages []index.Package
	index    *index.Index
}

// indexFile is one source with its verified files in the cache.
type indexFile struct {
	source
	arch     string
	release  *index.Release
	signed   content.Entry
	packages content.Entry
	// inRelease and packagesPath are the files' paths in the cache.
	inRelease, packagesPath string
}

// Snapshot gets and verifies the index of a suite ("trixie") for
// a Debian architecture ("amd64", "arm64"), and remembers it as the newest
// one seen. An unreachable archive is a fault.Network, a signature, hash or
// date that does not hold a fault.Integrity, an unknown suite or architecture
// a fault.Invalid, a missing mirror a fault.Missing.
func (c *Client) Snapshot(ctx context.Context, suite, arch string) (*Snapshot, error) {
	return c.snapshot(ctx, suite, arch, false, c.signedIndex)
}

// findIndex is signedIndex or standingIndex.
type findIndex func(ctx context.Context, s source, arch string, rollback bool) (indexFile, error)

// snapshot is Snapshot; where rollback says so an index may be older than one
// seen before.
func (c *Client) snapshot(ctx context.Context, suite, arch string, rollback bool, find findIndex) (*Snapshot, error) {
	sources, err := sourcesOf(suite)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{Suite: suite, Arch: arch, files: make([]indexFile, len(sources))}
	group, groupCtx := errgroup.WithContext(ctx)
	for i, source := range sources {
		group.Go(func() (err error) {
			if s.files[i], err = find(groupCtx, source, arch, rollback); err != nil {
				return err
			}
			return c.havePackages(groupCtx, &s.files[i])
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("getting the index of %s: %w", suite, err)
	}
	if err := s.load(); err != nil {
		return nil, fault.As(fault.Integrity, fmt.Errorf("reading the index of %s: %w", suite, err))
	}
	if s.Distribution, err = distributionOf(s.files[0]); err != nil {
		return nil, fmt.Errorf("getting the index of %s: %w", suite, err)
	}
	for _, f := range s.files {
		s.Archives = append(s.Archives, lock.Archive{Name: f.archive, Suite: f.suite, InRelease: f.signed.SHA256, Date: f.release.Date})
		if err := c.accepted(ctx, f); err != nil {
			return nil, err
		}
	}
	c.store.Expire()
	return s, nil
}

// distributionOf names the release of a suite's first source. Point releases
// share their advisories.
func distributionOf(f indexFile) (lock.Distribution, error) {
	release, _, _ := strings.Cut(f.release.Version, ".")
	if release == "" || strings.Trim(release, "0123456789") != "" {
		return lock.Distribution{}, fault.New(fault.Integrity, "%s says that it has the version %.40q: want a number", f.source, f.release.Version)
	}
	return lock.Distribution{Name: f.archive, Release: release}, nil
}

// Since is how old an index may be, beside what the cache has seen.
type Since struct {
	// Archives are indexes that were accepted elsewhere, as those of a lock; an
	// older one is a fault.Integrity.
	Archives []lock.Archive
	// Rollback takes any index that is signed and has not expired: somebody
	// wants to go back.
	Rollback bool
}

// Current is the Snapshot that the client took first: however many apps are
// locked, and however long that takes, they stand on one state of the archive,
// that of Now.
func (c *Client) Current(ctx context.Context, suite, arch string, since Since) (*Snapshot, error) {
	s, err := c.snapshots.Do(ctx, fmt.Sprintln(suite, arch, since.Rollback), func() (*Snapshot, error) {
		return c.snapshot(ctx, suite, arch, since.Rollback, c.standingIndex)
	})
	if err != nil || since.Rollback {
		return s, err
	}
	if older := Older(since.Archives, s.Archives); len(older) > 0 {
		old := older[0]
		return nil, fault.Hint(
			fault.New(fault.Integrity, "the index of %s %s has the date %s, and the lock is from %s: a stale mirror or a rollback attack",
				old.Name, old.Suite, index.Stamp(old.Date), index.Stamp(dateOf(since.Archives, old))),
			"Try again later, or set mirrors.%s to another mirror; to go back on purpose give --insecure-allow-rollback.", old.Name)
	}
	return s, nil
}

// Older returns those of now that are older than before has them.
func Older(before, now []lock.Archive) []lock.Archive {
	var older []lock.Archive
	for _, a := range now {
		if a.Date.Before(dateOf(before, a)) {
			older = append(older, a)
		}
	}
	return older
}

// dateOf returns the date of an archive's suite in all, zero where it is not
// there.
func dateOf(all []lock.Archive, of lock.Archive) time.Time {
	for _, a := range all {
		if a.Name == of.Name && a.Suite == of.Suite {
			return a.Date
		}
	}
	return time.Time{}
}

// key is the digest of what the snapshot holds.
func (s *Snapshot) key() string {
	key := sha256.New()
	fmt.Fprintln(key, s.Arch)
	for _, f := range s.files {
		fmt.Fprintln(key, f.source, f.signed.SHA256, f.packages.SHA256)
	}
	return hex.EncodeToString(key.Sum(nil))
}

func (s *Snapshot) load() error {
	for i, file := range s.files {
		f, err := os.Open(file.packagesPath)
		if err != nil {
			return err
		}
		err = index.Parse(limit.Reader(f, file.packages.Size, file.packagesPath), file.archive, func(p index.Package) {
			p.File = i
			s.packages = append(s.packages, p)
		})
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", file.source, err)
		}
	}
	var err error
	s.index, err = index.New(s.packages)
	return err
}

// Package returns the newest package of that name, or nil.
func (s *Snapshot) Package(name string) *index.Package {
	if versions := s.index.ByName[name]; len(versions) > 0 {
		return versions[0]
	}
	return nil
}

// Find returns the package with that name, version and architecture, or nil;
// an empty arch stands for any.
func (s *Snapshot) Find(name, version, arch string) *index.Package {
	for _, p := range s.index.ByName[name] {
		if p.Version == version && (arch == "" || p.Arch == arch) {
			return p
		}
	}
	return nil
}

// Len returns the number of packages.
func (s *Snapshot) Len() int { return len(s.packages) }

// Stanza returns the package's whole stanza of the index; the package must
// come from this snapshot. A cache that went away is a fault.Internal.
func (s *Snapshot) Stanza(p *index.Package) ([]byte, error) {
	f, err := os.Open(s.files[p.File].packagesPath)
	if err != nil {
		return nil, fault.New(fault.Internal, "reading the cached index: %w", err)
	}
	defer f.Close()
	return readStanza(f, p)
}

func readStanza(f io.ReaderAt, p *index.Package) ([]byte, error) {
	raw := make([]byte, p.Length)
	if _, err := f.ReadAt(raw, p.Offset); err != nil {
		return nil, fault.New(fault.Internal, "reading the cached index: %w", err)
	}
	return raw, nil
}

// Essential returns the names of the packages that are marked essential in
// their newest version, sorted.
func Essential(s *Snapshot) []string {
	var names []string
	for name, versions := range s.index.ByName {
		if versions[0].Essential {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Nearest returns up to three known package names that are close to name,
// the closest first.
func (s *Snapshot) Nearest(name string) []string {
	const most = 3
	type candidate struct {
		name string
		far  int
	}
	var found []candidate
	allowed := 1 + len(name)/4
	for known := range s.index.ByName {
		if d := levenshtein.Distance(name, known, nil); d <= allowed {
			found = append(found, candidate{known, d})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		if a.far != b.far {
			return a.far - b.far
		}
		return strings.Compare(a.name, b.name)
	})
	var names []string
	for _, c := range found[:min(most, len(found))] {
		names = append(names, c.name)
	}
	return names
}
