package registry

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
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
	parsed, err := m.Shape()
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
	if _, _, err := PutBlobs(ctx, to, blobs); err != nil {
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
	parsed, err := m.Shape()
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
