package publish

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"github.com/google/renameio/v2"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/cancel"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/sparse"
)

// PullFile fetches one file of a disk, uncompressed, to path: the one of a
// format, such as qcow2. Its digest is checked against the artifact's, which
// is against the digest asked for. Runs of zeros become holes.
func PullFile(ctx context.Context, s registry.Reader, disk digest.Digest, format, path string) error {
	m, err := s.Manifest(ctx, disk.String())
	if err != nil {
		return fmt.Errorf("pulling disk: %w", err)
	}
	parsed, err := m.Shape()
	if err != nil {
		return err
	}
	if parsed.ArtifactType != DiskArtifact {
		return fault.New(fault.Invalid, "%s is no disk: it is %q", disk, parsed.ArtifactType)
	}
	for _, l := range parsed.Layers {
		if l.MediaType == fmt.Sprintf(diskLayerForm, format) {
			return unpackDisk(ctx, s, l, path)
		}
	}
	return fault.New(fault.Invalid, "disk %s has no file of the format %q", disk, format)
}

func unpackDisk(ctx context.Context, s registry.Reader, l registry.Descriptor, path string) error {
	size, err := strconv.ParseInt(l.Annotations[diskSize], 10, 64)
	inner := registry.Descriptor{Digest: digest.Digest(l.Annotations[diskDigest]), Size: size}
	if err != nil || registry.CheckDescriptor(inner) != nil {
		return fault.New(fault.Integrity, "disk layer %s does not say what it holds", l.Digest)
	}
	r, err := s.Blob(ctx, l)
	if err != nil {
		return fmt.Errorf("pulling disk: %w", err)
	}
	defer r.Close()
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(1<<23))
	if err != nil {
		return fault.New(fault.Integrity, "reading disk layer: %w", err)
	}
	whole := registry.Verified(z.IOReadCloser(), inner)
	defer whole.Close()
	if err := writeSparse(ctx, path, whole); err != nil {
		return fmt.Errorf("pulling disk: %w", err)
	}
	return nil
}

// writeSparse writes a file beside its place and renames it.
func writeSparse(ctx context.Context, path string, r io.Reader) error {
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer f.Cleanup() //nolint:errcheck // after a rename there is nothing to clean
	if _, err := sparse.Copy(f.File, cancel.Reader(ctx, r)); err != nil {
		return fault.As(fault.Integrity, err)
	}
	return f.CloseAtomicallyReplace()
}
