package database

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
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
	if d := digest.Digest(at); d.Validate() == nil && o.has(d) {
		return o.folder(d), d, nil
	}
	m, err := registry.Resolve(ctx, store, at)
	if err != nil {
		return "", "", err
	}
	if o.has(m.Digest) {
		return o.folder(m.Digest), m.Digest, nil
	}
	layer, err := layerOf(m)
	if err != nil {
		return "", "", err
	}
	return o.folder(m.Digest), m.Digest, o.unpack(ctx, store, layer, m.Digest)
}

func (o Options) folder(d digest.Digest) string { return filepath.Join(o.State, d.Encoded()) }

// has says whether a database is there, and marks it as used. A folder gets
// its name when it is whole.
func (o Options) has(d digest.Digest) bool {
	if _, err := os.Stat(filepath.Join(o.folder(d), databaseFile)); err != nil {
		return false
	}
	_ = os.Chtimes(o.folder(d), o.Now, o.Now) // a read-only state is never cleaned
	return true
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
	if err := os.MkdirAll(o.State, 0o755); err != nil {
		return fmt.Errorf("making state folder: %w", err)
	}
	dir, err := os.MkdirTemp(o.State, unfinished)
	if err != nil {
		return fmt.Errorf("making folder: %w", err)
	}
	defer os.RemoveAll(dir)
	blob, err := from.Blob(ctx, layer)
	if err != nil {
		return err
	}
	defer blob.Close()
	if err := unpackTo(ctx, dir, blob); err != nil {
		return fmt.Errorf("unpacking: %w", err)
	}
	if _, err := readMetadata(dir); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	err = os.Rename(dir, o.folder(d))
	if err != nil && !errors.Is(err, fs.ErrExist) { // another process was faster
		return fmt.Errorf("naming database: %w", err)
	}
	o.clean(d)
	return nil
}

// clean removes databases that nobody used for a while and what killed
// processes left. What it cannot remove stays.
func (o Options) clean(used digest.Digest) {
	entries, err := os.ReadDir(o.State)
	if err != nil {
		return
	}
	for _, entry := range entries {
		name := entry.Name()
		ours := strings.HasPrefix(name, unfinished) || digest.NewDigestFromEncoded(digest.SHA256, name).Validate() == nil
		info, err := entry.Info()
		if !ours || err != nil || name == used.Encoded() || o.Now.Sub(info.ModTime()) < keep {
			continue
		}
		os.RemoveAll(filepath.Join(o.State, name))
	}
}
