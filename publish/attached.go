package publish

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/attest"
)

// bundleStates is the annotation by which cosign, and attest.Manifest, say
// what a bundle states.
const bundleStates = "dev.sigstore.bundle.predicateType"

// Attached is a bundle, unverified, and the digest of its manifest.
type Attached struct {
	attest.Bundle
	Manifest string
}

// ReadAttached reads the bundles among referrers that say of themselves that
// they state one of some kinds, or gives the error of one that cannot be
// read. All together they have at most max bytes: one that goes beyond is such
// an error. The others are not fetched.
func ReadAttached(ctx context.Context, store registry.Reader, referrers []registry.Descriptor, kinds []string, max int64) iter.Seq2[Attached, error] {
	return func(yield func(Attached, error) bool) {
		room := max
		for _, d := range referrers {
			if kind, ok := d.Annotations[bundleStates]; ok && !slices.Contains(kinds, kind) || !mayHoldBundle(d) {
				continue
			}
			a, layer, err := attachedAt(ctx, store, d, kinds)
			switch {
			case err == nil && layer == nil:
				continue
			case err == nil && layer.Size > room:
				err = fault.New(fault.Integrity, "what is attached has more than %d bytes", max)
			case err == nil:
				a.JSON, err = readBlob(ctx, store, *layer)
				room -= layer.Size
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

// mayHoldBundle goes by the list of referrers, which with some registries says
// nothing of the type.
func mayHoldBundle(d registry.Descriptor) bool {
	return d.ArtifactType == "" || strings.HasPrefix(d.ArtifactType, "application/vnd.oci.empty.") || d.ArtifactType == attest.BundleMediaType
}

// attachedAt reads the manifest of a bundle and returns the layer that holds
// it, or nil where the manifest says that it is none of the kinds.
func attachedAt(ctx context.Context, store registry.Reader, d registry.Descriptor, kinds []string) (a Attached, layer *registry.Descriptor, err error) {
	m, err := store.Manifest(ctx, d.Digest.String())
	if err != nil {
		return a, nil, err
	}
	var manifest struct {
		Layers      []registry.Descriptor `json:"layers"`
		Annotations map[string]string     `json:"annotations"`
	}
	if err := json.Unmarshal(m.Content, &manifest); err != nil {
		return a, nil, fault.New(fault.Integrity, "reading manifest %s: %w", d.Digest, err)
	}
	a.PredicateType, a.Manifest = manifest.Annotations[bundleStates], d.Digest.String()
	if !slices.Contains(kinds, a.PredicateType) || len(manifest.Layers) != 1 || manifest.Layers[0].MediaType != attest.BundleMediaType {
		return a, nil, nil
	}
	if layer = &manifest.Layers[0]; layer.Size < 0 {
		return a, nil, fault.New(fault.Integrity, "manifest %s names a bundle of %d bytes", d.Digest, layer.Size)
	}
	return a, layer, nil
}

func readBlob(ctx context.Context, store registry.Reader, d registry.Descriptor) ([]byte, error) {
	blob, err := store.Blob(ctx, d)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	text, err := limit.ReadAll(blob, d.Size, "bundle "+d.Digest.String())
	return text, fault.As(fault.Integrity, err)
}
