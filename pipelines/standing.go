package pipelines

import (
	"context"
	"fmt"
	"io"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/attest"
)

// maxStanding bounds what is read of a digest's earlier statements, in bytes;
// two SBOMs of a thousand packages have six megabytes.
const maxStanding = 64 << 20

// lasting reads what was stated about a subject before and may stand. What
// cannot be read is warned of and stated anew. An error is a registry that is
// out of reach, to which nothing could be sent either.
func (k Kitchen) lasting(ctx context.Context, s subject) (found [][]byte, err error) {
	store, _, err := registry.Open(s.repository, k.Registry)
	if err != nil {
		return nil, err
	}
	err = k.Progress.Do(ctx, "[sign] look what stands about the "+s.name, func(ctx context.Context, log io.Writer) (_ bool, err error) {
		found, err = readLasting(ctx, store, s, log)
		return false, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading what is attached to it: %w", err)
	}
	return found, nil
}

func readLasting(ctx context.Context, store registry.Reader, s subject, log io.Writer) ([][]byte, error) {
	m := s.content.Manifest
	referrers, err := store.Referrers(ctx, m.Digest)
	if kind := fault.KindOf(err); err != nil && (kind == fault.Network || kind == fault.Cancelled) {
		return nil, err
	}
	if err != nil {
		return nil, warn(log, "all is stated anew: "+err.Error())
	}
	about := registry.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: m.Size}
	var found [][]byte
	for a, err := range attachments(ctx, store, referrers, append(attest.Lasting(), attest.RevocationType), maxStanding) {
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			if err := warn(log, "an earlier statement does not stand: "+err.Error()); err != nil {
				return nil, err
			}
			if fault.KindOf(err) == fault.Network {
				return found, nil
			}
		case a.attachedAsOurs(about):
			found = append(found, a.JSON)
		}
	}
	return found, nil
}

// attachedAsOurs says whether publishing the bundle again would find it there:
// what others wrote in another form would be there twice.
func (a attachment) attachedAsOurs(about registry.Descriptor) bool {
	m, _, err := attest.Manifest(a.Bundle, about)
	return err == nil && m.Digest.String() == a.manifest
}
