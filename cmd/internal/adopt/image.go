package adopt

import (
	"context"
	"runtime"
	"slices"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/registry"
)

// maxConfig bounds an image's configuration, in bytes.
const maxConfig = 4 << 20

// configuration reads that of an image, of this machine's architecture where
// there are several.
func configuration(ctx context.Context, ref string, o registry.Options) ([]byte, error) {
	store, at, err := registry.Open(ref, o)
	if err != nil {
		return nil, err
	}
	m, err := registry.Resolve(ctx, store, at)
	if err != nil {
		return nil, fault.Hint(err, "--from names a Dockerfile, a compose.yaml, a folder with one of them, or an image")
	}
	shape, err := m.Shape()
	if err != nil {
		return nil, err
	}
	if len(shape.Manifests) > 0 {
		if m, err = ofThisMachine(ctx, store, ref, shape); err != nil {
			return nil, err
		}
		if shape, err = m.Shape(); err != nil {
			return nil, err
		}
	}
	if shape.Config == nil {
		return nil, fault.New(fault.Invalid, "%s is no image: it has no configuration", ref)
	}
	blob, err := store.Blob(ctx, *shape.Config)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	return limit.ReadAll(blob, maxConfig, "configuration of "+ref)
}

func ofThisMachine(ctx context.Context, store registry.Reader, ref string, index registry.Shape) (registry.Manifest, error) {
	i := slices.IndexFunc(index.Manifests, func(d registry.Descriptor) bool {
		return d.Platform != nil && d.Platform.OS == "linux" && d.Platform.Architecture == runtime.GOARCH
	})
	if i < 0 {
		return registry.Manifest{}, fault.New(fault.Invalid, "%s has no image for linux/%s", ref, runtime.GOARCH)
	}
	return store.Manifest(ctx, index.Manifests[i].Digest.String())
}
