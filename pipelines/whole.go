package pipelines

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
)

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
		if err := read(ctx, t.Store, d); err != nil {
			return fmt.Errorf("reading %s of %s: %w", d.Digest, t.Name, err)
		}
	}
	return nil
}

// read reads a blob to its end, where the store says whether it held.
func read(ctx context.Context, store registry.Store, d registry.Descriptor) error {
	blob, err := store.Blob(ctx, d)
	if err != nil {
		return err
	}
	defer blob.Close()
	_, err = io.Copy(io.Discard, blob)
	return err
}
