package publish

import (
	"context"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/attest"
)

// Attach adds one signed statement to content that is in a store already, and
// reads it back. Made again it changes nothing.
func Attach(ctx context.Context, s registry.Store, m registry.Manifest, b attest.Bundle) error {
	one, err := attachmentOf(b, registry.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: m.Size})
	if err != nil {
		return err
	}
	if _, _, err := registry.PutBlobs(ctx, s, one.blobs); err != nil {
		return err
	}
	if _, err := s.PutManifest(ctx, one.manifest); err != nil {
		return err
	}
	return readBack(ctx, s, m, []attachment{one})
}
