package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
)

// Cosign's --local-image verifies the first manifest of an index that has
// this annotation.
const (
	cosignKind  = "kind"
	cosignImage = "dev.cosignproject.cosign/image"
)

// index is index.json: names first, the one that moved last before others.
type index struct{ ocispec.Index }

// add names a manifest without a tag, unless it is named already.
func (i *index) add(d Descriptor) {
	if !slices.ContainsFunc(i.Manifests, func(have Descriptor) bool { return have.Digest == d.Digest }) {
		i.Manifests = append(i.Manifests, d)
	}
}

// tag makes a name lead to a manifest, which needs no nameless entry then.
func (i *index) tag(name string, d Descriptor) {
	i.Manifests = slices.DeleteFunc(i.Manifests, func(have Descriptor) bool {
		tag := have.Annotations[ocispec.AnnotationRefName]
		return tag == name || tag == "" && have.Digest == d.Digest
	})
	notes := map[string]string{ocispec.AnnotationRefName: name, cosignKind: cosignImage}
	maps.Copy(notes, d.Annotations)
	d.Annotations = notes
	i.Manifests = append([]Descriptor{d}, i.Manifests...)
}

// find returns what a name leads to, or "". Of two that it leads to none is
// chosen: readers of layouts differ in which they take.
func (i *index) find(name string) (found digest.Digest, err error) {
	for _, d := range i.Manifests {
		if d.Annotations[ocispec.AnnotationRefName] != name || d.Digest == found {
			continue
		}
		if found != "" {
			return "", fault.Hint(fault.New(fault.Integrity, "%q leads to two manifests, %s and %s", name, found, d.Digest),
				"remove the entry that is wrong from index.json, or name the digest")
		}
		found = d.Digest
	}
	return found, nil
}

func (l layout) find(name string) (digest.Digest, error) {
	i, err := l.read()
	if err != nil {
		return "", err
	}
	d, err := i.find(name)
	if err != nil {
		return "", fmt.Errorf("reading index of layout %s: %w", l.dir, err)
	}
	if d == "" {
		return "", notFound(fmt.Sprintf("%q in layout %s", name, l.dir))
	}
	return d, nil
}

// read returns the index; a layout that is not there has an empty one.
func (l layout) read() (*index, error) {
	empty := &index{ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []Descriptor{}}}
	f, err := regular.Open(filepath.Join(l.dir, ocispec.ImageIndexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading layout: %w", err)
	}
	defer f.Close()
	text, err := limit.ReadAll(f, maxIndex, "index of layout "+l.dir)
	if err != nil {
		return nil, fault.As(fault.Integrity, err)
	}
	if err := json.Unmarshal(text, &empty.Index); err != nil {
		return nil, fault.New(fault.Integrity, "reading index of layout %s: %w", l.dir, err)
	}
	if len(empty.Manifests) > maxChildren {
		return nil, fault.New(fault.Integrity, "layout %s names more than %d manifests", l.dir, maxChildren)
	}
	for _, d := range empty.Manifests {
		if err := CheckDescriptor(d); err != nil {
			return nil, fmt.Errorf("reading index of layout %s: %w", l.dir, err)
		}
	}
	return empty, nil
}

// update changes the index under the layout's lock.
func (l layout) update(ctx context.Context, change func(*index) error) error {
	unlock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	i, err := l.read()
	if err != nil {
		return err
	}
	before, err := json.Marshal(i)
	if err != nil {
		return fmt.Errorf("encoding index: %w", err)
	}
	if err := change(i); err != nil {
		return err
	}
	after, err := json.Marshal(i)
	if err != nil {
		return fmt.Errorf("encoding index: %w", err)
	}
	if string(before) == string(after) {
		return nil
	}
	return l.replace(ocispec.ImageIndexFile, append(after, '\n'))
}

func (l layout) SetTag(ctx context.Context, t TagRequest) error {
	if err := CheckTag(t.Name); err != nil {
		return err
	}
	d, err := l.described(t.Manifest)
	if err != nil {
		return err
	}
	return l.update(ctx, func(i *index) error {
		have, err := i.find(t.Name)
		if err != nil {
			return err
		}
		if t.Immutable && have != "" && have != d.Digest {
			return taken(l.Name(), t.Name, have, d.Digest)
		}
		if have != d.Digest || i.Manifests[0].Digest != d.Digest {
			i.tag(t.Name, d)
		}
		return nil
	})
}

// Attach finds nothing to do but to name the referrers: a reader of a layout
// looks at the subject of each manifest that the index names.
func (l layout) Attach(ctx context.Context, _ digest.Digest, referrers []Descriptor) error {
	return l.update(ctx, func(i *index) error {
		for _, d := range referrers {
			i.add(d)
		}
		return nil
	})
}
