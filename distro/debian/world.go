package debian

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/renameio/v2"

	"github.com/bakelite/bakelite/distro/debian/catalog"
	"github.com/bakelite/bakelite/distro/debian/content"
	"github.com/bakelite/bakelite/distro/debian/index"
	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/vouch"
)

// World is what the archives of a release have now, as far as they could be
// read: enough to say what is behind, and not to resolve. It is safe for
// concurrent use.
type World struct {
	Suite, Arch string
	// Sources are the suites, in the order of preference.
	Sources []Source
}

// Source is one suite of a World.
type Source struct {
	// Archive is the signed index that Packages comes from; its InRelease is
	// "" where none was ever read.
	Archive lock.Archive
	// Priority is what apt gives the suite's packages.
	Priority int
	// Packages are the packages, nil where none were ever read.
	Packages *catalog.Catalog
	// Err says why the suite could not be read now. What else stands here is
	// then of the last index that could.
	Err error

	came map[string]First
}

// Now returns the World that the client read first: what is resolved by
// Current after it stands on the same indexes. Where rollback says so they may
// be older than those seen before. A suite that cannot be read is no error but
// stands in the World; errors are an unknown suite (fault.Invalid) and the end
// of the context.
func (c *Client) Now(ctx context.Context, suite, arch string, rollback bool) (*World, error) {
	return c.worlds.Do(ctx, fmt.Sprintln(suite, arch, rollback), func() (*World, error) {
		sources, err := sourcesOf(suite)
		if err != nil {
			return nil, err
		}
		w := &World{Suite: suite, Arch: arch, Sources: make([]Source, len(sources))}
		var group sync.WaitGroup
		for i, s := range sources {
			group.Go(func() { w.Sources[i] = c.read(ctx, s, arch, rollback) })
		}
		group.Wait()
		c.store.Expire()
		return w, ctx.Err()
	})
}

// read reads one suite, or what was read last where that fails.
func (c *Client) read(ctx context.Context, s source, arch string, rollback bool) Source {
	f, err := c.standingIndex(ctx, s, arch, rollback)
	var packages *catalog.Catalog
	if err == nil {
		packages, err = c.catalog(ctx, &f)
	}
	if err == nil {
		err = c.accepted(ctx, f)
	}
	if err == nil {
		return c.store.sourceOf(f, packages)
	}
	last := c.last(ctx, s, arch)
	last.Err = err
	return last
}

func (s store) sourceOf(f indexFile, packages *catalog.Catalog) Source {
	known, _ := s.readFirsts(&f)
	return Source{
		Archive:  lock.Archive{Name: f.archive, Suite: f.suite, InRelease: f.signed.SHA256, Date: f.release.Date},
		Priority: f.release.Priority, Packages: packages, came: known.Came,
	}
}

// accepted remembers an index whose content is known to be right.
func (c *Client) accepted(ctx context.Context, f indexFile) error {
	err := c.store.remember(f)
	if err == nil {
		err = c.noteFirsts(ctx, &f)
	}
	return fault.As(fault.Internal, err)
}

// last is what the cache holds of the newest index that was accepted.
func (c *Client) last(ctx context.Context, s source, arch string) Source {
	none := Source{Archive: lock.Archive{Name: s.archive, Suite: s.suite}}
	f := indexFile{source: s, arch: arch}
	seen, err := c.store.seenState(s)
	if err != nil || !content.ValidSHA256(seen.InRelease) {
		return none
	}
	file, err := os.Open(c.store.Path(seen.InRelease))
	if err != nil {
		return none
	}
	defer file.Close()
	data, err := limit.ReadAll(file, index.MaxInRelease, "InRelease")
	if err != nil || content.Of(data).SHA256 != seen.InRelease {
		return none
	}
	text, err := index.Verify(data, c.keys, c.now())
	if err != nil {
		return none
	}
	if f.release, err = index.ParseRelease(text); err != nil || f.findPackages(c.store) != nil {
		return none
	}
	f.signed = content.Of(data)
	packages, err := c.store.readCatalog(ctx, f.packages)
	if err != nil {
		return none
	}
	return c.store.sourceOf(f, packages)
}

// catalog returns the catalog of a suite's packages, made from the verified
// Packages file where the cache has none.
func (c *Client) catalog(ctx context.Context, f *indexFile) (*catalog.Catalog, error) {
	if known, err := c.store.readCatalog(ctx, f.packages); err == nil || ctx.Err() != nil {
		return known, err
	}
	if err := c.havePackages(ctx, f); err != nil {
		return nil, err
	}
	known, err := c.store.makeCatalog(ctx, f)
	if err != nil {
		return nil, fault.As(fault.Integrity, fmt.Errorf("reading the packages of %s: %w", f.source, err))
	}
	return known, nil
}

func (s store) catalogPath(packages content.Entry) string {
	return filepath.Join(s.Dir, "catalog", packages.SHA256+"."+catalog.Form)
}

// readCatalog reads a catalog that we made; one that is damaged, or that others
// put there, is made again.
func (s store) readCatalog(ctx context.Context, packages content.Entry) (*catalog.Catalog, error) {
	path := s.catalogPath(packages)
	holds, err := s.Vouch.Holds(ctx, vouch.Catalog, packages.SHA256, path)
	if err != nil {
		return nil, err
	}
	if !holds {
		return nil, fs.ErrNotExist
	}
	f, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	known, err := catalog.Read(f, info.Size())
	if err == nil {
		cache.Touch(path)
	}
	return known, err
}

// makeCatalog makes a catalog of a verified Packages file, and keeps it.
func (s store) makeCatalog(ctx context.Context, f *indexFile) (*catalog.Catalog, error) {
	in, err := os.Open(f.packagesPath)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var packages []catalog.Package
	var odd error
	err = index.Parse(io.LimitReader(in, f.packages.Size), f.archive, func(p index.Package) {
		sum, err := hex.DecodeString(p.SHA256)
		odd = errors.Join(odd, err)
		packages = append(packages, catalog.Package{
			Name: p.Name, Version: p.Version, Arch: p.Arch, Source: p.Source, SourceVersion: p.SourceVersion,
			PreDepends: p.PreDepends, Depends: p.Depends, Conflicts: p.Conflicts, Breaks: p.Breaks, Provides: p.Provides,
			SHA256: string(sum), Size: p.Size, Essential: p.Essential,
		})
	})
	if err = errors.Join(err, odd); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := catalog.Write(&out, packages); err != nil {
		return nil, err
	}
	path := s.catalogPath(f.packages)
	err = renameio.WriteFile(path, out.Bytes(), 0o600)
	if err == nil {
		err = s.Vouch.NoteTree(ctx, vouch.Catalog, f.packages.SHA256, path)
	}
	if err != nil {
		return nil, err
	}
	return catalog.Read(&out, int64(out.Len()))
}
