package registry

import (
	"context"
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
