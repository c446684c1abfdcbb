package oci

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/bakelite/bakelite/internal/cancel"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
)

// Verify reads an image in full: manifest, config and layers must have their
// digests and sizes, else it is fault.Integrity.
func Verify(ctx context.Context, dir, digest string) error {
	text, blobs, err := manifest(dir, digest)
	if err != nil {
		return err
	}
	if digests.Of(text) != digest {
		return fault.New(fault.Integrity, "layout %s: the manifest is not %s", dir, digest)
	}
	for _, b := range blobs {
		if err := verifyBlob(ctx, dir, b.Digest.String(), b.Size); err != nil {
			return fmt.Errorf("layout %s: %w", dir, err)
		}
	}
	return nil
}

func verifyBlob(ctx context.Context, dir, digest string, size int64) error {
	f, err := regular.Open(blobPath(dir, digest))
	if err != nil {
		return fault.As(fault.Integrity, fmt.Errorf("opening blob: %w", err))
	}
	defer f.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, limit.Reader(cancel.Reader(ctx, f), size, digest))
	if err != nil {
		return fault.As(fault.Integrity, fmt.Errorf("reading blob: %w", err))
	}
	if n != size || digests.Sum(hash) != digest {
		return fault.New(fault.Integrity, "blob %s has other content", digest)
	}
	return nil
}
