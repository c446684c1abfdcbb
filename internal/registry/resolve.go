package registry

import (
	"context"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Resolve returns the manifest of a tag or digest; "" is the tag latest, and
// in a layout that has none the one image that it names. What is not there is
// fault.Missing and ErrNotFound.
func Resolve(ctx context.Context, s Reader, ref string) (Manifest, error) {
	if l, ok := s.(layout); ok && ref == "" {
		i, err := l.read()
		if err != nil {
			return Manifest{}, err
		}
		if len(i.Manifests) == 1 && i.Manifests[0].Annotations[ocispec.AnnotationRefName] != Tag {
			ref = i.Manifests[0].Digest.String()
		}
	}
	if ref == "" {
		ref = Tag
	}
	m, err := s.Manifest(ctx, ref)
	if err != nil {
		return Manifest{}, fmt.Errorf("resolving: %w", err)
	}
	return m, nil
}
