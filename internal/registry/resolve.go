package registry

import (
	"context"
	"fmt"
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
		if i.find(Tag) == "" && len(i.Manifests) == 1 {
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
