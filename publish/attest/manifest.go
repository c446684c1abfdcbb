package attest

import (
	"encoding/json"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/publish/intoto"
)

// Blob is content with its descriptor.
type Blob struct {
	ocispec.Descriptor
	Content []byte
}

// Manifest returns the manifest that makes a bundle a referrer of subject, as
// cosign 3 writes and reads it, and the blobs that it names: the empty config
// and the bundle. The same bundle and subject give the same bytes.
func Manifest(b Bundle, subject ocispec.Descriptor) (Blob, []Blob, error) {
	if err := intoto.CheckDigest(subject.Digest.String()); err != nil {
		return Blob{}, nil, err
	}
	if len(b.JSON) == 0 || b.PredicateType == "" {
		return Blob{}, nil, fault.New(fault.Internal, "an empty bundle has no manifest")
	}
	config, layer := blob(ocispec.MediaTypeEmptyJSON, []byte("{}")), blob(BundleMediaType, b.JSON)
	text, err := json.Marshal(ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: BundleMediaType,
		Config:       config.Descriptor,
		Layers:       []ocispec.Descriptor{layer.Descriptor},
		Subject:      &subject,
		Annotations: map[string]string{
			"dev.sigstore.bundle.content":       "dsse-envelope",
			"dev.sigstore.bundle.predicateType": b.PredicateType,
		},
	})
	if err != nil {
		return Blob{}, nil, fault.New(fault.Internal, "encoding a bundle's manifest: %w", err)
	}
	return blob(ocispec.MediaTypeImageManifest, text), []Blob{config, layer}, nil
}

func blob(mediaType string, content []byte) Blob {
	return Blob{
		Descriptor: ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))},
		Content:    content,
	}
}
