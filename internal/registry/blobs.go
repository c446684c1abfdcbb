package registry

import (
	"bytes"
	"context"
	"io"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// Blob is content that can be read as often as needed.
type Blob struct {
	Descriptor
	Open func(context.Context) (io.ReadCloser, error)
}

// InMemory is a blob whose content is at hand.
func InMemory(d Descriptor, content []byte) Blob {
	return Blob{Descriptor: d, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}
}

// ReadBlob reads a blob of at most max bytes to its end; one that has more, or
// other bytes than its digest says, is fault.Integrity.
func ReadBlob(ctx context.Context, s Reader, d Descriptor, max int64) ([]byte, error) {
	r, err := s.Blob(ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content, err := limit.ReadAll(r, max, "blob "+d.Digest.String())
	return content, fault.As(fault.Integrity, err)
}

// PutBlobs sends what is missing, a few at a time, and returns how many bytes
// were sent and how many were there.
func PutBlobs(ctx context.Context, s Writer, blobs []Blob) (sent, skipped int64, err error) {
	var uploaded, there atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	seen := map[digest.Digest]bool{}
	for _, b := range blobs {
		if seen[b.Digest] {
			continue
		}
		seen[b.Digest] = true
		group.Go(func() error {
			has, err := s.HasBlob(ctx, b.Descriptor)
			if err != nil {
				return err
			}
			if has {
				there.Add(b.Size)
				return nil
			}
			uploaded.Add(b.Size)
			return s.PutBlob(ctx, b)
		})
	}
	err = group.Wait()
	return uploaded.Load(), there.Load(), err
}
