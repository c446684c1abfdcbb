package child

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/scan/protocol"
)

// scope names all that a child has read so far: each step is the digest of
// the one before and of what is read next. The entry of a tree bears the
// scope that ends with it. So what a tree did to the child shows in the names
// of all entries that came after it, and images with the same layers below
// share the entries of these.
type scope string

// first changes where the meaning of a scope does.
const first scope = "bakelite.dev/scan-cache/v1"

// then is the scope after one more thing was read. Nothing has a name after
// something that has none.
func (s scope) then(kind, what string) scope {
	if s == "" || what == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(string(s) + "\n" + kind + " " + what))
	return scope(hex.EncodeToString(sum[:]))
}

// scopes names the trees of each root.
func scopes(ctx context.Context, roots []protocol.Root, limits protocol.Limits) ([][]string, error) {
	now := first
	names := make([][]string, len(roots))
	for i, r := range roots {
		trees, whole, err := identify(ctx, r, limits)
		if err != nil {
			return nil, err
		}
		within := now
		for _, tree := range trees {
			within = within.then("tree", tree)
			names[i] = append(names[i], string(within))
		}
		now = now.then(r.Kind, whole)
	}
	return names, nil
}

// identify says what the bytes of a root are, tree by tree and as a whole; ""
// where that is not known before they are read. What it cannot read it leaves
// to the child, which says what is wrong. A disk's file and an image's
// manifest, configuration and layers are compared with their digests before
// they are read for what they mean; only Go's JSON decoder sees the
// configuration before the layers.
func identify(ctx context.Context, r protocol.Root, limits protocol.Limits) (trees []string, whole string, err error) {
	switch r.Kind {
	case protocol.Image:
		return layersOf(r, limits), r.Digest, nil
	case protocol.Disk:
		if whole = r.Digest; whole == "" {
			whole, err = extents(ctx, r.Path)
		}
		return []string{whole}, whole, err
	case protocol.SBOM:
		return nil, r.Digest, nil
	default:
		return nil, "", nil
	}
}

// layersOf reads the manifest and configuration of an image, as far as they
// are what their digests say.
func layersOf(r protocol.Root, limits protocol.Limits) []string {
	var manifest struct {
		Config descriptor   `json:"config"`
		Layers []descriptor `json:"layers"`
	}
	var config struct {
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	if !document(r.Path, r.Digest, limits.DocumentBytes, &manifest) || !document(r.Path, manifest.Config.Digest, limits.DocumentBytes, &config) {
		return nil
	}
	ids := config.RootFS.DiffIDs
	if len(ids) != len(manifest.Layers) || len(ids) > limits.Layers {
		return nil
	}
	var trees []string
	for i, l := range manifest.Layers {
		if !digests.Valid(l.Digest) || !digests.Valid(ids[i]) {
			return nil
		}
		trees = append(trees, l.Digest+"+"+ids[i])
	}
	return trees
}

// descriptor is the part of an OCI descriptor that matters here.
type descriptor struct {
	Digest string `json:"digest"`
}

// document reads a small blob of a layout that is what its digest says.
func document(layout, digest string, max int64, into any) bool {
	if !digests.Valid(digest) {
		return false
	}
	text, err := regular.ReadFile(filepath.Join(layout, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:")), max)
	return err == nil && digests.Of(text) == digest && json.Unmarshal(text, into) == nil
}
