package registry

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/fault"
)

// Descriptor names content by media type, digest and size in bytes.
type Descriptor = ocispec.Descriptor

// ErrNotFound is what an error of a Store is where there is no such content.
var ErrNotFound = errors.New("not found")

// Manifest is a manifest or an index, as bytes, with its descriptor.
type Manifest struct {
	Descriptor
	Content []byte
}

// Blob is content that can be read as often as needed.
type Blob struct {
	Descriptor
	Open func(context.Context) (io.ReadCloser, error)
}

// TagRequest asks for a name to lead to a manifest.
type TagRequest struct {
	// Name is the tag.
	Name string
	// Manifest must be in the store.
	Manifest Manifest
	// Immutable refuses to move a name that leads elsewhere.
	Immutable bool
}

// Reader is where content is read from. Whatever it returns has the digest
// that was asked for.
type Reader interface {
	// Manifest returns the manifest of a tag or digest, or ErrNotFound.
	Manifest(ctx context.Context, ref string) (Manifest, error)
	// Blob streams a blob; the read that would end it fails with
	// fault.Integrity where size or digest differ.
	Blob(ctx context.Context, d Descriptor) (io.ReadCloser, error)
	// Referrers lists the manifests whose subject is a digest.
	Referrers(ctx context.Context, subject digest.Digest) ([]Descriptor, error)
}

// Writer is where content is published to. Each call is one step: a crash
// before or after it leaves the store whole, and making it again is harmless.
type Writer interface {
	HasBlob(ctx context.Context, d Descriptor) (bool, error)
	PutBlob(ctx context.Context, b Blob) error
	// PutManifest stores a manifest by its digest and returns how many bytes
	// that took, 0 where it was there.
	PutManifest(ctx context.Context, m Manifest) (int64, error)
	// Attach makes Referrers list manifests that were put before.
	Attach(ctx context.Context, subject digest.Digest, referrers []Descriptor) error
	// SetTag makes a name lead to a manifest: fault.Policy where it may not.
	SetTag(ctx context.Context, t TagRequest) error
}

// Store is one repository: of a registry, or a layout folder.
type Store interface {
	Reader
	Writer
	// Name is the repository, "host/path/app" or "oci:PATH".
	Name() string
}

// notFound classifies the absence of something that was asked for by name.
func notFound(what string) error {
	return fault.New(fault.Missing, "%s: %w", what, ErrNotFound)
}

// newManifest describes the bytes of a manifest.
func newManifest(mediaType string, content []byte) Manifest {
	return Manifest{
		Descriptor: Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))},
		Content:    content,
	}
}

// shape is what any manifest or index says of itself.
type shape struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType"`
	Config       *Descriptor       `json:"config"`
	Layers       []Descriptor      `json:"layers"`
	Manifests    []Descriptor      `json:"manifests"`
	Subject      *Descriptor       `json:"subject"`
	Annotations  map[string]string `json:"annotations"`
}

// shapeOf reads a manifest or an index and checks what it names.
func shapeOf(m Manifest) (shape, error) {
	var s shape
	if err := json.Unmarshal(m.Content, &s); err != nil {
		return s, fault.New(fault.Integrity, "reading manifest %s: %w", m.Digest, err)
	}
	if len(s.Layers) > maxLayers || len(s.Manifests) > maxChildren {
		return s, fault.New(fault.Integrity, "manifest %s has more than %d layers or %d manifests", m.Digest, maxLayers, maxChildren)
	}
	named := append(append([]Descriptor{}, s.Layers...), s.Manifests...)
	if s.Config != nil {
		named = append(named, *s.Config)
	}
	if s.Subject != nil {
		named = append(named, *s.Subject)
	}
	for _, d := range named {
		if err := check(d); err != nil {
			return s, fault.New(fault.Integrity, "reading manifest %s: %w", m.Digest, err)
		}
	}
	return s, nil
}

// check refuses descriptors that cannot be fetched safely.
func check(d Descriptor) error {
	if err := checkDigest(d.Digest); err != nil {
		return err
	}
	if d.Size < 0 || d.Size > maxBlob {
		return fault.New(fault.Integrity, "%s has a size of %d bytes: want 0 to %d", d.Digest, d.Size, int64(maxBlob))
	}
	return nil
}

// checkDigest takes SHA-256 alone: it is what is signed here.
func checkDigest(d digest.Digest) error {
	if err := d.Validate(); err != nil || d.Algorithm() != digest.SHA256 {
		return fault.New(fault.Integrity, "%q is no SHA-256 digest", d)
	}
	return nil
}

// referrerOf describes a manifest as a list of referrers names it.
func referrerOf(m Manifest) (Descriptor, digest.Digest, error) {
	s, err := shapeOf(m)
	if err != nil {
		return Descriptor{}, "", err
	}
	d := m.Descriptor
	d.ArtifactType, d.Annotations = s.ArtifactType, s.Annotations
	if d.ArtifactType == "" && s.Config != nil {
		d.ArtifactType = s.Config.MediaType
	}
	if s.Subject == nil {
		return d, "", nil
	}
	return d, s.Subject.Digest, nil
}
