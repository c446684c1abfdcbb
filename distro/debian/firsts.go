package debian

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/bakelite/bakelite/distro/debian/catalog"
	"github.com/bakelite/bakelite/distro/debian/content"
	"github.com/bakelite/bakelite/internal/vouch"
)

const (
	// maxFirsts bounds the file of what came when, in bytes: a year of a suite
	// has ten thousand lines of 200 bytes.
	maxFirsts = 64 << 20
	// firstsKept is how long it is known when a version came that has gone.
	firstsKept = 400 * 24 * time.Hour
)

// First says when a version came to a suite, as far as this machine saw.
type First struct {
	// Published is the date of the first index that had it, and After that of
	// the last one before, which had it not.
	Published time.Time `json:"published"`
	After     time.Time `json:"after"`
	// Seen is when this machine read the first one.
	Seen time.Time `json:"seen"`
}

// firsts are what came to a suite since its first index that was read.
type firsts struct {
	// Date and Packages are those of the newest index.
	Date     time.Time `json:"date"`
	Packages string    `json:"packages"`
	Size     int64     `json:"size"`
	// Came has what came since, by name and version.
	Came map[string]First `json:"came"`
}

func cameKey(name, version string) string { return name + " " + version }

func (s store) firstsPath(f *indexFile) string {
	return filepath.Join(s.Dir, "seen", f.archive+"_"+f.suite+"_"+f.arch+".came.json")
}

// readFirsts reads what came when; what cannot be read, or what others wrote,
// begins anew.
func (s store) readFirsts(f *indexFile) (known firsts, ok bool) {
	text, err := s.Vouch.ReadFile(vouch.Firsts, s.firstsPath(f), maxFirsts)
	if err != nil || json.Unmarshal(text, &known) != nil {
		return firsts{}, false
	}
	return known, content.ValidSHA256(known.Packages)
}

// noteFirsts notes what an accepted index has that the one before had not.
func (c *Client) noteFirsts(ctx context.Context, f *indexFile) error {
	known, ok := c.store.readFirsts(f)
	if ok && !f.release.Date.After(known.Date) {
		return nil
	}
	if ok && known.Packages != f.packages.SHA256 {
		before := *f
		before.packages = content.Entry{SHA256: known.Packages, Size: known.Size}
		before.packagesPath = c.store.Path(known.Packages)
		old, err := c.keptCatalog(ctx, &before)
		if err != nil {
			return err
		}
		now, err := c.catalog(ctx, f)
		if err != nil {
			return err
		}
		known.add(old, now, First{Published: f.release.Date, After: known.Date, Seen: c.now().UTC().Truncate(time.Second)})
	}
	known.Date, known.Packages, known.Size = f.release.Date, f.packages.SHA256, f.packages.Size
	text, err := json.Marshal(known)
	if err != nil {
		return err
	}
	if err := c.store.Vouch.WriteFile(vouch.Firsts, c.store.firstsPath(f), append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("noting what came to %s: %w", f.source, err)
	}
	return nil
}

// keptCatalog is the catalog of an index of before, nil where the cache has
// lost it.
func (c *Client) keptCatalog(ctx context.Context, f *indexFile) (*catalog.Catalog, error) {
	if known, err := c.store.readCatalog(ctx, f.packages); err == nil || ctx.Err() != nil {
		return known, err
	}
	if !c.store.Verified(f.packages) {
		return nil, nil
	}
	known, err := c.store.makeCatalog(ctx, f)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the packages of %s: %w", f.source, err)
	}
	return known, nil
}

// add notes what is in now and not in old. Without old nothing can be said.
func (k *firsts) add(old, now *catalog.Catalog, as First) {
	if k.Came == nil {
		k.Came = map[string]First{}
	}
	there := map[string]bool{}
	for n := range now.Len() {
		p := now.Package(n)
		key := cameKey(p.Name, p.Version)
		there[key] = true
		if _, known := k.Came[key]; !known && old != nil && !has(old, p) {
			k.Came[key] = as
		}
	}
	for key, first := range k.Came {
		if !there[key] && as.Seen.Sub(first.Seen) > firstsKept {
			delete(k.Came, key)
		}
	}
}

func has(c *catalog.Catalog, p catalog.Package) bool {
	from, to := c.Find(p.Name)
	for n := from; n < to; n++ {
		if c.Package(n).Version == p.Version {
			return true
		}
	}
	return false
}

// First says when a version came; ok is false where it was there when this
// machine first looked, or is not there.
func (s Source) First(name, version string) (first First, ok bool) {
	first, ok = s.came[cameKey(name, version)]
	return first, ok
}
