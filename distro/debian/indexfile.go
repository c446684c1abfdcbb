package debian

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"github.com/klauspost/compress/gzip"
	"github.com/xi2/xz"

	"github.com/bakelite/bakelite/distro/debian/content"
	"github.com/bakelite/bakelite/distro/debian/fetch"
	"github.com/bakelite/bakelite/distro/debian/index"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// maxDictionary bounds the memory of an xz decoder, in bytes; xz -9 uses it.
const maxDictionary = 64 << 20

// signedIndex gets one source's InRelease into the cache, and from it what
// Packages is. Where rollback says so the index may be older than one seen
// before.
func (c *Client) signedIndex(ctx context.Context, s source, arch string, rollback bool) (indexFile, error) {
	f := indexFile{source: s, arch: arch}
	if err := c.getRelease(ctx, &f, rollback); err != nil {
		return f, err
	}
	return f, f.findPackages(c.store)
}

// standingIndex is signedIndex for the life of the client: all that asks for
// a suite stands on one state of it.
func (c *Client) standingIndex(ctx context.Context, s source, arch string, rollback bool) (indexFile, error) {
	return c.releases.Do(ctx, fmt.Sprintln(s, arch, rollback), func() (indexFile, error) { return c.signedIndex(ctx, s, arch, rollback) })
}

func (f *indexFile) base() string { return f.component + "/binary-" + f.arch + "/Packages" }

func (f *indexFile) findPackages(s store) error {
	var ok bool
	if f.packages, ok = f.release.Files[f.base()]; !ok {
		return fault.New(fault.Invalid, "%s has no packages for the architecture %q", f.source, f.arch)
	}
	if f.packages.Size > index.MaxPackages {
		return fault.New(fault.Integrity, "%s: %w", f.source, &limit.Error{What: f.base(), Bytes: index.MaxPackages})
	}
	f.packagesPath = s.Path(f.packages.SHA256)
	return nil
}

// havePackages gets Packages into the cache, unless it is there.
func (c *Client) havePackages(ctx context.Context, f *indexFile) error {
	if c.store.Verified(f.packages) {
		return nil
	}
	return c.getPackages(ctx, f, f.base())
}

// getRelease gets the InRelease of f's suite, from the first mirror whose
// copy is signed, current and, unless rollback says that it may be, no older
// than one seen before.
func (c *Client) getRelease(ctx context.Context, f *indexFile, rollback bool) error {
	newest, err := c.store.seen(f.source)
	if err != nil {
		return err
	}
	if rollback {
		newest = time.Time{}
	}
	path := "dists/" + f.suite + "/InRelease"
	return c.mirrors.Get(ctx, fetch.Request{Archive: f.archive, Path: path, Size: index.MaxInRelease, Held: c.store.Held(f.archive + "_" + f.suite)}, func(r io.Reader) error {
		data, err := limit.ReadAll(r, index.MaxInRelease, path)
		var over *limit.Error
		if errors.As(err, &over) {
			return fault.New(fault.Integrity, "%w", err)
		}
		if err != nil {
			return err
		}
		if f.release, err = c.trust(data, f.suite, newest); err != nil {
			return fault.As(fault.Integrity, err)
		}
		f.signed = content.Of(data)
		f.inRelease = c.store.Path(f.signed.SHA256)
		if c.store.Verified(f.signed) {
			return nil
		}
		return c.store.Put(bytes.NewReader(data), f.signed)
	})
}

func (c *Client) trust(data []byte, suite string, newest time.Time) (*index.Release, error) {
	text, err := index.Verify(data, c.keys, c.now())
	if err != nil {
		return nil, err
	}
	r, err := index.ParseRelease(text)
	if err != nil {
		return nil, err
	}
	if err := r.Check(suite, c.now()); err != nil {
		return nil, err
	}
	if r.Date.Before(newest) {
		return nil, fmt.Errorf("its date %s is older than %s, which was seen before: a stale mirror or a rollback attack", index.Stamp(r.Date), index.Stamp(newest))
	}
	return r, nil
}

// getPackages gets the Packages file, gzip first (it unpacks faster), then xz.
func (c *Client) getPackages(ctx context.Context, f *indexFile, base string) error {
	var failures []error
	for _, form := range []struct {
		suffix string
		unpack func(io.Reader) (io.Reader, error)
	}{{".gz", unpackGzip}, {".xz", unpackXZ}} {
		packed, ok := f.release.Files[base+form.suffix]
		if !ok {
			continue
		}
		err := c.getPacked(ctx, f, base+form.suffix, packed, form.unpack)
		if err == nil {
			for _, failure := range failures {
				c.report(failure)
			}
			return nil
		}
		failures = append(failures, err)
		if ctx.Err() != nil {
			break
		}
	}
	if len(failures) == 0 {
		return fault.New(fault.Integrity, "%s lists neither %s.gz nor %s.xz", f.source, base, base)
	}
	return failures[0]
}

func (c *Client) getPacked(ctx context.Context, f *indexFile, name string, packed content.Entry, unpack func(io.Reader) (io.Reader, error)) error {
	if packed.Size > index.MaxPackages {
		return fault.New(fault.Integrity, "%s: %w", f.source, &limit.Error{What: name, Bytes: index.MaxPackages})
	}
	path := "dists/" + f.suite + "/" + name
	if f.release.ByHash {
		path = filepath.ToSlash(filepath.Dir(path)) + "/by-hash/SHA256/" + packed.SHA256
	}
	file, err := c.store.Scratch()
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	err = c.mirrors.Get(ctx, fetch.Request{Archive: f.archive, Path: path, Size: packed.Size}, func(r io.Reader) error {
		return fetch.Rewrite(file, r, packed)
	})
	if err != nil {
		return err
	}
	plain, err := unpack(file)
	if err == nil {
		err = c.store.Put(plain, f.packages)
	}
	if err != nil {
		return fault.New(fault.Integrity, "unpacking %s of %s: %w", name, f.source, err)
	}
	return nil
}

func unpackGzip(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }

func unpackXZ(r io.Reader) (io.Reader, error) { return xz.NewReader(r, maxDictionary) }

// seenState is the newest index of a suite that was accepted.
type seenState struct {
	Date      time.Time `json:"date"`
	InRelease string    `json:"inRelease"`
}

func (s store) seenPath(of source) string {
	return filepath.Join(s.Dir, "seen", of.archive+"_"+of.suite+".json")
}

// seen returns the date of the newest index seen, zero where none was.
func (s store) seen(of source) (time.Time, error) {
	state, err := s.seenState(of)
	return state.Date, err
}

func (s store) seenState(of source) (state seenState, err error) {
	data, err := os.ReadFile(s.seenPath(of))
	if errors.Is(err, fs.ErrNotExist) {
		return state, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &state)
	}
	if err != nil {
		return seenState{}, fault.Hint(fault.New(fault.Internal, "reading which index was seen last: %w", err), "Remove %s if you trust the mirrors to be current.", s.seenPath(of))
	}
	return state, nil
}

// remember notes the accepted index, unless a newer one was noted meanwhile.
func (s store) remember(f indexFile) error {
	newest, err := s.seen(f.source)
	if err != nil || f.release.Date.Before(newest) {
		return err
	}
	data, err := json.Marshal(seenState{Date: f.release.Date, InRelease: f.signed.SHA256})
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(s.seenPath(f.source), append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("noting the newest index: %w", err)
	}
	return nil
}
