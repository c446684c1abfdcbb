package pipelines

import (
	"context"
	"io"

	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/oci"
)

// writeSeed writes the seed of a lock as an OCI layout with one image.
func writeSeed(ctx context.Context, k Kitchen, l *lock.Lock, dir string) error {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(k.Archive.SeedLayer(ctx, writer, l.Packages.Seed)) }()
	digest, err := oci.WriteImage(dir, l.Platform, reader)
	if err != nil {
		return err
	}
	return oci.Name(dir, "seed", digest, l.Platform)
}
