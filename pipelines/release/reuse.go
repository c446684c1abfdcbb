package release

import (
	"context"
	"fmt"
	"io"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
)

// maxReused bounds what is read of a digest's earlier statements, in bytes;
// two SBOMs of a thousand packages have six megabytes.
const maxReused = 64 << 20

// reusable reads what was stated about a subject before and may be used again. What
// cannot be read is warned of and stated anew. An error is a registry that is
// out of reach, to which nothing could be sent either.
func (p Publisher) reusable(ctx context.Context, s subject) (found [][]byte, err error) {
	store, _, err := registry.Open(s.repository, p.Registry)
	if err != nil {
		return nil, err
	}
	found, err = progress.Do(ctx, "[sign] look what stands about the "+s.name, func(ctx context.Context, log io.Writer) ([][]byte, error) {
		return readReusable(ctx, store, s, log)
	})
	if err != nil {
		return nil, fmt.Errorf("reading what is attached to it: %w", err)
	}
	return found, nil
}

func readReusable(ctx context.Context, store registry.Reader, s subject, log io.Writer) ([][]byte, error) {
	m := s.content.Manifest
	referrers, err := store.Referrers(ctx, m.Digest)
	if kind := fault.KindOf(err); err != nil && (kind == fault.Network || kind == fault.Cancelled) {
		return nil, err
	}
	if err != nil {
		return nil, progress.Warn(log, "all is stated anew: "+err.Error())
	}
	about := registry.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: m.Size}
	var found [][]byte
	for a, err := range publish.ReadAttached(ctx, store, referrers, append(attest.Lasting(), intoto.RevocationType), maxReused) {
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			if err := progress.Warn(log, "an earlier statement does not stand: "+err.Error()); err != nil {
				return nil, err
			}
			if fault.KindOf(err) == fault.Network {
				return found, nil
			}
		case attachedAsOurs(a, about):
			found = append(found, a.JSON)
		}
	}
	return found, nil
}

// attachedAsOurs says whether publishing the bundle again would find it there:
// what others wrote in another form would be there twice.
func attachedAsOurs(a publish.Attached, about registry.Descriptor) bool {
	m, _, err := attest.Manifest(a.Bundle, about)
	return err == nil && m.Digest.String() == a.Manifest
}
