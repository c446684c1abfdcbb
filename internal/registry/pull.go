package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/cancel"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/sparse"
)

// PullOptions say what to fetch and where to.
type PullOptions struct {
	// Digest is an image's, or an index's that names one for Platform.
	Digest digest.Digest
	// Platform is "linux/amd64" or "linux/arm64".
	Platform string
	// Layout is the folder that it goes to.
	Layout string
	// MaxBytes bounds the image's blobs together; 0 is 64 GiB.
	MaxBytes int64
}

// Pull fetches an image into a layout, which names it without a tag, and
// returns its digest: that of an index leads to another one's. Blobs that are
// there are not fetched again.
func Pull(ctx context.Context, s Reader, o PullOptions) (digest.Digest, error) {
	m, err := imageFor(ctx, s, o)
	if err != nil {
		return "", fmt.Errorf("pulling: %w", err)
	}
	parsed, err := shapeOf(m)
	if err != nil {
		return "", err
	}
	if parsed.Config == nil {
		return "", fault.New(fault.Integrity, "%s is no image", m.Digest)
	}
	blobs, total := []Blob{}, int64(0)
	for _, d := range append(parsed.Layers, *parsed.Config) {
		total += d.Size
		blobs = append(blobs, Blob{Descriptor: d, Open: func(ctx context.Context) (io.ReadCloser, error) { return s.Blob(ctx, d) }})
	}
	if limit := o.MaxBytes; total > limit && limit > 0 || total > maxBlob {
		return "", fault.New(fault.Integrity, "image %s has %d bytes, more than allowed", m.Digest, total)
	}
	to := Layout(o.Layout)
	if _, _, err := putBlobs(ctx, to, blobs); err != nil {
		return "", fmt.Errorf("pulling: %w", err)
	}
	_, err = to.PutManifest(ctx, m)
	return m.Digest, err
}

// imageFor reads a manifest, by way of an index where it is one.
func imageFor(ctx context.Context, s Reader, o PullOptions) (Manifest, error) {
	m, err := s.Manifest(ctx, o.Digest.String())
	if err != nil {
		return Manifest{}, err
	}
	parsed, err := shapeOf(m)
	if err != nil || parsed.Manifests == nil {
		return m, err
	}
	system, architecture, _ := strings.Cut(o.Platform, "/")
	for _, d := range parsed.Manifests {
		if d.Platform != nil && d.Platform.OS == system && d.Platform.Architecture == architecture {
			return s.Manifest(ctx, d.Digest.String())
		}
	}
	return Manifest{}, fault.New(fault.Invalid, "%s has no image for %q", o.Digest, o.Platform)
}

// PullFile fetches one file of a disk, uncompressed, to path: the one of a
// format, such as qcow2. Its digest is checked against the artifact's, which
// is against the digest asked for. Runs of zeros become holes.
func PullFile(ctx context.Context, s Reader, disk digest.Digest, format, path string) error {
	m, err := s.Manifest(ctx, disk.String())
	if err != nil {
		return fmt.Errorf("pulling disk: %w", err)
	}
	parsed, err := shapeOf(m)
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

func unpackDisk(ctx context.Context, s Reader, l Descriptor, path string) error {
	size, err := strconv.ParseInt(l.Annotations[diskSize], 10, 64)
	inner := Descriptor{Digest: digest.Digest(l.Annotations[diskDigest]), Size: size}
	if err != nil || check(inner) != nil {
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
	whole := newVerified(z.IOReadCloser(), inner)
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

// isNotFound says that a store has no such thing.
func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
