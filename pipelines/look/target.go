package look

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
)

// Target is an artifact that exists somewhere, with what was signed about it.
type Target struct {
	// Name is how it was named, or its reference by digest.
	Name string
	// Digest is its manifest's; File is the digest of the one file that was
	// named, or "".
	Digest, File string
	// Store and Manifest are where an artifact in a registry or layout is.
	Store    registry.Store
	Manifest registry.Manifest
	// Path is the file, where one was named.
	Path string
	// Bundles are the signed statements, unverified.
	Bundles [][]byte
	// Unread is why others that are attached could not be read.
	Unread []error
}

// maxBundles bounds the file of bundles beside a disk, in bytes.
const maxBundles = attest.MaxBundles * 4 << 20

// Find looks at an artifact: a file with its bundles beside it, a layout
// folder, or a reference.
func (r Reader) Find(ctx context.Context, name string) (Target, error) {
	asked := name
	info, err := os.Stat(name)
	switch {
	case err == nil && info.Mode().IsRegular():
		return findFile(name)
	case err == nil && isLayout(name):
		name = registry.LayoutPrefix + name
	case !strings.HasPrefix(name, registry.LayoutPrefix):
		asked += ", which is no file or layout here, in a registry"
	}
	store, at, err := registry.Open(name, r.Registry)
	if err != nil {
		return Target{}, err
	}
	t := Target{Store: store}
	if t.Manifest, err = registry.Resolve(ctx, store, at); err != nil {
		return Target{}, fmt.Errorf("looking for %s: %w", asked, err)
	}
	t.Digest = t.Manifest.Digest.String()
	t.Name = store.Name() + "@" + t.Digest
	t.Bundles, t.Unread, err = publish.ReadBundles(ctx, store, t.Manifest.Digest)
	return t, err
}

func isLayout(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "oci-layout"))
	return err == nil
}

func findFile(path string) (Target, error) {
	t := Target{Name: path, Path: path}
	f, err := regular.Open(path)
	if err != nil {
		return t, fault.New(fault.Missing, "opening %s: %w", path, err)
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return t, fmt.Errorf("reading %s: %w", path, err)
	}
	t.File = digests.Sum(hash)
	beside, err := regular.Open(path + results.BundlesSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, fault.New(fault.Invalid, "opening bundles: %w", err)
	}
	defer beside.Close()
	text, err := limit.ReadAll(beside, maxBundles, path+results.BundlesSuffix)
	if err != nil {
		return t, fault.As(fault.Invalid, err)
	}
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			t.Bundles = append(t.Bundles, line)
		}
	}
	if len(t.Bundles) > 0 {
		t.Digest, err = attest.About(t.Bundles[0])
	}
	return t, err
}

// whole reads what a layout's manifest names: a folder may be run as it lies,
// whereas whoever fetches from a registry compares digests on the way.
func (t Target) whole(ctx context.Context) error {
	if t.Store == nil || !strings.HasPrefix(t.Store.Name(), registry.LayoutPrefix) {
		return nil
	}
	var m struct {
		Config *registry.Descriptor  `json:"config"`
		Layers []registry.Descriptor `json:"layers"`
	}
	if err := json.Unmarshal(t.Manifest.Content, &m); err != nil {
		return fault.New(fault.Integrity, "reading manifest: %w", err)
	}
	if m.Config != nil {
		m.Layers = append(m.Layers, *m.Config)
	}
	for _, d := range m.Layers {
		if err := readThrough(ctx, t.Store, d); err != nil {
			return fmt.Errorf("reading %s of %s: %w", d.Digest, t.Name, err)
		}
	}
	return nil
}

// readThrough reads a blob to its end, where the store says whether it held.
func readThrough(ctx context.Context, store registry.Store, d registry.Descriptor) error {
	blob, err := store.Blob(ctx, d)
	if err != nil {
		return err
	}
	defer blob.Close()
	_, err = io.Copy(io.Discard, blob)
	return err
}
