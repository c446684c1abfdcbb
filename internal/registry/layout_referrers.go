package registry

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/fault"
)

// Referrers reads each manifest that the index names, as oras and cosign do,
// and the list under the fallback tag that copies of registries have.
func (l layout) Referrers(ctx context.Context, subject digest.Digest) ([]Descriptor, error) {
	if err := CheckDigest(subject); err != nil {
		return nil, err
	}
	i, err := l.read()
	if err != nil {
		return nil, err
	}
	found := []Descriptor{}
	for _, d := range i.Manifests {
		of, err := l.referrersAt(ctx, d, subject)
		if err != nil {
			return nil, err
		}
		found = merge(found, of)
	}
	if len(found) > maxReferrers {
		return nil, tooMany(subject)
	}
	return found, nil
}

// referrersAt returns what one entry of the index adds.
func (l layout) referrersAt(ctx context.Context, d Descriptor, subject digest.Digest) ([]Descriptor, error) {
	listed := d.Annotations[ocispec.AnnotationRefName] == ReferrersTag(subject)
	if d.Size > maxManifest || d.Digest == subject {
		return nil, nil
	}
	m, err := l.Manifest(ctx, d.Digest.String())
	if errors.Is(err, ErrNotFound) { // a layout may name what it does not hold
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if listed {
		s, err := m.Shape()
		return s.Manifests, err
	}
	referrer, of, err := m.Referrer()
	if err != nil || of != subject {
		return nil, err
	}
	return []Descriptor{referrer}, nil
}

// merge adds what is not in the list yet.
func merge(list, more []Descriptor) []Descriptor {
	known := map[digest.Digest]bool{}
	for _, d := range list {
		known[d.Digest] = true
	}
	for _, d := range more {
		if !known[d.Digest] {
			known[d.Digest] = true
			list = append(list, d)
		}
	}
	return list
}

func tooMany(subject digest.Digest) error {
	return fault.Hint(fault.New(fault.Integrity, "more than %d manifests refer to %s", maxReferrers, subject), "remove those that nobody needs from the repository")
}

// described adds to a manifest's descriptor what an image's config says of
// its platform: readers of a layout choose by it.
func (l layout) described(m Manifest) (Descriptor, error) {
	d := m.Descriptor
	s, err := m.Shape()
	if err != nil {
		return d, err
	}
	d.ArtifactType = s.ArtifactType
	if s.Config == nil || s.Config.MediaType != ocispec.MediaTypeImageConfig {
		return d, nil
	}
	text, err := l.small(s.Config.Digest)
	if err != nil {
		return d, err
	}
	var platform ocispec.Platform
	if err := json.Unmarshal(text, &platform); err != nil {
		return d, fault.New(fault.Integrity, "reading config %s: %w", s.Config.Digest, err)
	}
	d.Platform = &ocispec.Platform{OS: platform.OS, Architecture: platform.Architecture, Variant: platform.Variant}
	return d, nil
}

// mediaTypeOf says what a manifest is that came without a header.
func mediaTypeOf(m Manifest) string {
	s, err := m.Shape()
	switch {
	case err == nil && s.MediaType != "":
		return s.MediaType
	case err == nil && s.Manifests != nil:
		return ocispec.MediaTypeImageIndex
	default:
		return ocispec.MediaTypeImageManifest
	}
}
