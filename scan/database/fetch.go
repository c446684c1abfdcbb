package database

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch"
)

// Media types of Trivy's database, as `trivy image --download-db-only` asks
// for them.
const (
	configType = "application/vnd.aquasec.trivy.config.v1+json"
	layerType  = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"
)

const (
	// maxLayer bounds the packed database, in bytes; today's has 80 MB.
	maxLayer = 2 << 30
	// keep is how long a database stays that nobody used.
	keep = 72 * time.Hour
	// unfinished begins the names of folders that are being filled.
	unfinished = "fetching-"
)

// fetch brings an artifact to the folder that its digest names.
func (o Options) fetch(ctx context.Context, ref string) (string, digest.Digest, error) {
	store, at, err := registry.Open(ref, o.Registry)
	if err != nil {
		return "", "", err
	}
	if o.Digest != "" {
		if d := digest.Digest(at); d.Validate() == nil && at != o.Digest {
			return "", "", fault.New(fault.Integrity, "the reference names %s and it is pinned to %s", at, o.Digest)
		}
		at = o.Digest
	}
	if d := digest.Digest(at); d.Validate() == nil {
		if has, err := o.has(ctx, d); has || err != nil {
			return o.folder(d), d, err
		}
	}
	m, err := registry.Resolve(ctx, store, at)
	if err != nil {
		return "", "", err
	}
	if has, err := o.has(ctx, m.Digest); has || err != nil {
		return o.folder(m.Digest), m.Digest, err
	}
	layer, err := layerOf(m)
	if err != nil {
		return "", "", err
	}
	return o.folder(m.Digest), m.Digest, o.unpack(ctx, store, layer, m.Digest)
}

func (o Options) folder(d digest.Digest) string { return filepath.Join(o.State, d.Encoded()) }

// has says whether a database is there that still is what it was when it was
// fetched, and marks it as used. Another one is removed.
func (o Options) has(ctx context.Context, d digest.Digest) (bool, error) {
	holds, err := o.Vouch.Holds(ctx, vouch.Database, d.String(), o.folder(d))
	if err != nil || holds {
		cache.Touch(o.folder(d))
		return holds, err
	}
	return false, cache.Discard(o.folder(d))
}

func layerOf(m registry.Manifest) (registry.Descriptor, error) {
	var parsed ocispec.Manifest
	if err := json.Unmarshal(m.Content, &parsed); err != nil {
		return registry.Descriptor{}, fault.New(fault.Integrity, "reading manifest: %w", err)
	}
	if parsed.Config.MediaType != configType || len(parsed.Layers) != 1 || parsed.Layers[0].MediaType != layerType {
		return registry.Descriptor{}, fault.New(fault.Integrity, "%s is no database of Trivy: its config is %q and it has %d layers", m.Digest, parsed.Config.MediaType, len(parsed.Layers))
	}
	if parsed.Layers[0].Size > maxLayer {
		return registry.Descriptor{}, fault.New(fault.Integrity, "the database has %d bytes: at most %d are allowed", parsed.Layers[0].Size, maxLayer)
	}
	return parsed.Layers[0], nil
}

// unpack fills a folder beside its place and renames it.
func (o Options) unpack(ctx context.Context, from registry.Reader, layer registry.Descriptor, d digest.Digest) error {
	beside, err := cache.New(o.State, unfinished)
	if err != nil {
		return err
	}
	defer beside.Close()
	blob, err := from.Blob(ctx, layer)
	if err != nil {
		return err
	}
	defer blob.Close()
	if err := unpackTo(ctx, beside.Path, blob); err != nil {
		return fmt.Errorf("unpacking: %w", err)
	}
	if _, err := readMetadata(beside.Path); err != nil {
		return err
	}
	if err := os.Chmod(beside.Path, 0o755); err != nil {
		return err
	}
	if err := o.Vouch.NoteTree(ctx, vouch.Database, d.String(), beside.Path); err != nil {
		return err
	}
	if err := beside.Rename(o.folder(d)); err != nil {
		return err
	}
	cache.Expire(o.State, keep)
	return nil
}
