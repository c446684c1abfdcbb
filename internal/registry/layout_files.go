package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/cancel"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/flock"
)

// ingest is where a layout's blobs stand until they are whole.
const ingest = "ingest"

// prepare makes the folders of a layout and removes what a publisher that was
// killed long ago left behind.
func (l layout) prepare() error {
	for _, dir := range []string{filepath.Join(l.dir, "blobs", "sha256"), filepath.Join(l.dir, ingest)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making layout: %w", err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(l.dir, ingest))
	if err != nil {
		return fmt.Errorf("reading layout: %w", err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > staleIngest {
			os.Remove(filepath.Join(l.dir, ingest, entry.Name()))
		}
	}
	if _, err := os.Stat(filepath.Join(l.dir, ocispec.ImageLayoutFile)); err == nil {
		return nil
	}
	return l.replace(ocispec.ImageLayoutFile, []byte(`{"imageLayoutVersion":"1.0.0"}`))
}

// write stores a blob from a reader that fails where the content is wrong.
func (l layout) write(ctx context.Context, d digest.Digest, r io.Reader) error {
	if err := l.prepare(); err != nil {
		return err
	}
	f, err := renameio.NewPendingFile(l.blobPath(d), renameio.WithTempDir(filepath.Join(l.dir, ingest)), renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer f.Cleanup() //nolint:errcheck // after a rename there is nothing to clean
	if _, err := io.Copy(f, cancel.Reader(ctx, r)); err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(l.blobPath(d)))
}

// replace writes a file of the layout's own folder.
func (l layout) replace(name string, content []byte) error {
	path := filepath.Join(l.dir, name)
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Join(l.dir, ingest)), renameio.WithPermissions(0o644))
	if err != nil {
		return fmt.Errorf("writing layout: %w", err)
	}
	defer f.Cleanup() //nolint:errcheck // after a rename there is nothing to clean
	if _, err := f.Write(content); err != nil {
		return fmt.Errorf("writing layout: %w", err)
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("writing layout: %w", err)
	}
	return syncDir(l.dir)
}

// syncDir makes a rename last through a power cut.
func syncDir(dir string) error {
	f, err := os.Open(dir) //nolint:forbidigo // a folder of ours
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("syncing folder: %w", err)
	}
	return nil
}

// lock waits for the layout's lock, which the kernel drops with the process.
// The folder itself is locked, so that no file appears in the layout.
func (l layout) lock(ctx context.Context) (unlock func(), err error) {
	if err := l.prepare(); err != nil {
		return nil, err
	}
	f, err := os.Open(l.dir) //nolint:forbidigo // a folder, made above
	if err != nil {
		return nil, fmt.Errorf("locking layout: %w", err)
	}
	waiting, stop := context.WithTimeout(ctx, lockWait)
	defer stop()
	err = flock.Wait(waiting, f, flock.Exclusive, lockPoll)
	if err == nil {
		return func() { f.Close() }, nil
	}
	f.Close()
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, fault.Hint(fault.New(fault.Busy, "another publisher holds layout %s", l.dir), "run the same command again when it is done")
	}
	return nil, err
}
