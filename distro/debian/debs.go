package debian

import (
	"context"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/distro/debian/content"
	"github.com/bakelite/bakelite/distro/debian/fetch"
	"github.com/bakelite/bakelite/distro/debian/index"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

// parallelDownloads is how many packages are downloaded at a time; more does
// not help with one mirror and is unkind to it.
const parallelDownloads = 4

// Progress says how far a download has come.
type Progress struct {
	// Done and Total count packages, DoneBytes and TotalBytes their bytes.
	Done, Total           int
	DoneBytes, TotalBytes int64
}

// Fetch downloads the pinned packages that the cache does not hold, each
// verified by size and SHA-256, and calls progress (which may be nil) after
// each, one call at a time. Errors are those of Snapshot.
func (c *Client) Fetch(ctx context.Context, pins []lock.Pin, progress func(Progress)) error {
	state := Progress{}
	wanted := map[string]bool{}
	for _, pin := range pins {
		if !wanted[pin.SHA256] {
			wanted[pin.SHA256] = true
			state.Total++
			state.TotalBytes += pin.Size
		}
	}
	var mu sync.Mutex
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallelDownloads)
	for _, pin := range pins {
		if !wanted[pin.SHA256] {
			continue
		}
		delete(wanted, pin.SHA256)
		group.Go(func() error {
			if err := c.fetch(groupCtx, pin); err != nil {
				return fmt.Errorf("getting the package %s %s: %w", pin.Name, pin.Version, err)
			}
			mu.Lock()
			defer mu.Unlock()
			state.Done++
			state.DoneBytes += pin.Size
			if progress != nil {
				progress(state)
			}
			return nil
		})
	}
	return group.Wait()
}

func (c *Client) fetch(ctx context.Context, pin lock.Pin) error {
	want := content.Entry{SHA256: pin.SHA256, Size: pin.Size}
	switch {
	case !content.ValidSHA256(pin.SHA256) || pin.Size <= 0 || pin.Size > index.MaxDeb:
		return fault.New(fault.Invalid, "its pin has no valid SHA-256 and size")
	case !index.ValidPath(pin.Path):
		return fault.New(fault.Invalid, "its pin's path %.100q leaves the archive", pin.Path)
	case c.store.Verified(want):
		return nil
	}
	q := fetch.Request{Archive: pin.Archive, Path: pin.Path, Size: pin.Size,
		Gone: "The archive has moved on to another version: make the lock again, or name a mirror that keeps old versions in mirrors." + pin.Archive + "."}
	return c.mirrors.Get(ctx, q, func(r io.Reader) error {
		return c.store.Put(r, want)
	})
}

// Deb returns where the cache holds a package after Fetch.
func (c *Client) Deb(pin lock.Pin) string { return c.store.Path(pin.SHA256) }
