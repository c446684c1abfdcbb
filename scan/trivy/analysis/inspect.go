//go:build goexperiment.jsonv2

package analysis

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aquasecurity/trivy/pkg/cache"
	"github.com/aquasecurity/trivy/pkg/fanal/artifact"
	"github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/samber/lo"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/content"
	"github.com/bakelite/bakelite/scan/protocol"
)

// Inspected is an artifact whose trees have been analysed, in the form that
// Trivy's scan service asks for.
type Inspected struct {
	// Reference names the artifact, and what was found in it in a store.
	Reference artifact.Reference
	// Cached counts the trees whose analysis was the cache's.
	Cached int
}

// Inspect returns the reference.
func (i Inspected) Inspect(context.Context) (artifact.Reference, error) { return i.Reference, nil }

// Clean leaves everything, as nothing is left.
func (i Inspected) Clean(artifact.Reference) error { return nil }

// Inspect analyses the trees of an artifact, of which known are the cache's
// entries, and puts what was found in store. A tree that cannot be read whole,
// or is not what its digest says, is a fault.Integrity.
func (e *Engine) Inspect(ctx context.Context, root protocol.Root, known []protocol.Known, a content.Artifact, store cache.Cache) (Inspected, error) {
	i := Inspected{Reference: artifact.Reference{Name: root.Name, Type: types.TypeFilesystem}}
	var found types.OS
	var blobs []types.BlobInfo
	for n, tree := range a.Trees {
		var k protocol.Known
		if len(known) == len(a.Trees) {
			k = known[n]
		}
		blob, cached, err := e.tree(ctx, tree, k, found)
		if err != nil {
			return Inspected{}, err
		}
		if cached {
			i.Cached++
		}
		found.Merge(blob.OS)
		blobs = append(blobs, blob)
	}
	for n, blob := range blobs {
		blob.PackageInfos = ofDistribution(found, blob.PackageInfos)
		key := "tree-" + strconv.Itoa(n)
		if err := store.PutBlob(ctx, key, blob); err != nil {
			return Inspected{}, fmt.Errorf("keeping analysis: %w", err)
		}
		i.Reference.BlobIDs = append(i.Reference.BlobIDs, key)
	}
	i.Reference.ID = i.Reference.BlobIDs[0]
	if a.Kind != content.Container {
		return i, nil
	}
	return i, e.inspectConfig(ctx, a, found, &i.Reference, store)
}

// tree analyses one tree, with the distribution of those below it, unless the
// cache knows it. Its bytes are known to be what the entry's name says before
// one of them is read for what it means. What comes back shares no memory with
// anything: Trivy writes into it.
func (e *Engine) tree(ctx context.Context, tree content.Tree, k protocol.Known, before types.OS) (blob types.BlobInfo, cached bool, err error) {
	if err := tree.Verify(ctx); err != nil {
		return types.BlobInfo{}, false, err
	}
	if blob, cached = e.entries.get(k); !cached {
		if blob, err = e.walk(ctx, tree, before); err != nil {
			return types.BlobInfo{}, false, err
		}
		if err := e.entries.put(k, blob); err != nil {
			return types.BlobInfo{}, false, err
		}
		if blob, err = detached(blob); err != nil {
			return types.BlobInfo{}, false, err
		}
	}
	// These are words of the image, not of the tree: two images may hold the
	// same tree.
	blob.Digest, blob.DiffID, blob.CreatedBy = tree.Digest, tree.DiffID, tree.CreatedBy
	return blob, cached, nil
}

func detached(blob types.BlobInfo) (types.BlobInfo, error) {
	text, err := json.Marshal(blob)
	if err != nil {
		return types.BlobInfo{}, fmt.Errorf("copying analysis: %w", err)
	}
	var own types.BlobInfo
	if err := json.Unmarshal(text, &own); err != nil {
		return types.BlobInfo{}, fmt.Errorf("copying analysis: %w", err)
	}
	return own, nil
}

// inspectConfig analyses what an image's configuration says.
func (e *Engine) inspectConfig(ctx context.Context, a content.Artifact, found types.OS, ref *artifact.Reference, store cache.Cache) error {
	ref.Type, ref.ID, ref.ImageMetadata.ID = types.TypeContainerImage, a.ImageID, a.ImageID
	config := &ref.ImageMetadata.ConfigFile
	if err := json.Unmarshal(a.Config, config); err != nil {
		return fault.As(fault.Integrity, fmt.Errorf("reading configuration: %w", err))
	}
	for _, tree := range a.Trees {
		ref.ImageMetadata.DiffIDs = append(ref.ImageMetadata.DiffIDs, tree.DiffID)
	}
	result := lo.FromPtr(e.config.AnalyzeImageConfig(ctx, found, config))
	info := types.ArtifactInfo{
		SchemaVersion: types.ArtifactJSONSchemaVersion, Architecture: config.Architecture, Created: config.Created.Time, OS: config.OS,
		Misconfiguration: result.Misconfiguration, Secret: result.Secret, HistoryPackages: result.HistoryPackages,
	}
	if err := store.PutArtifact(ctx, ref.ID, info); err != nil {
		return fmt.Errorf("keeping analysis: %w", err)
	}
	return nil
}
