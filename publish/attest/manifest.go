package attest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/bakelite/bakelite/internal/fault"
)

const (
	manifestMediaType = "application/vnd.oci.image.manifest.v1+json"
	emptyMediaType    = "application/vnd.oci.empty.v1+json"
)

// Descriptor names a blob or manifest by content, in OCI's form.
type Descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"` // "sha256:…"
	Size      int64  `json:"size"`   // bytes
}

// Blob is content with its descriptor.
type Blob struct {
	Descriptor
	Content []byte
}

// ociManifest is an OCI image manifest; the fields stand in the order of the
// specification.
type ociManifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType"`
	Config        Descriptor        `json:"config"`
	Layers        []Descriptor      `json:"layers"`
	Subject       Descriptor        `json:"subject"`
	Annotations   map[string]string `json:"annotations"`
}

// Manifest returns the manifest that makes a bundle a referrer of subject, as
// cosign 3 writes and reads it, and the blobs that it names: the empty config
// and the bundle. The same bundle and subject give the same bytes.
func Manifest(b Bundle, subject Descriptor) (Blob, []Blob, error) {
	if err := checkDigest(subject.Digest); err != nil {
		return Blob{}, nil, err
	}
	if len(b.JSON) == 0 || b.PredicateType == "" {
		return Blob{}, nil, fault.New(fault.Internal, "an empty bundle has no manifest")
	}
	config, layer := blob(emptyMediaType, []byte("{}")), blob(BundleMediaType, b.JSON)
	text, err := json.Marshal(ociManifest{
		SchemaVersion: 2,
		MediaType:     manifestMediaType,
		ArtifactType:  BundleMediaType,
		Config:        config.Descriptor,
		Layers:        []Descriptor{layer.Descriptor},
		Subject:       subject,
		Annotations: map[string]string{
			"dev.sigstore.bundle.content":       "dsse-envelope",
			"dev.sigstore.bundle.predicateType": b.PredicateType,
		},
	})
	if err != nil {
		return Blob{}, nil, fault.New(fault.Internal, "encoding a bundle's manifest: %w", err)
	}
	return blob(manifestMediaType, text), []Blob{config, layer}, nil
}

func blob(mediaType string, content []byte) Blob {
	sum := sha256.Sum256(content)
	return Blob{
		Descriptor: Descriptor{MediaType: mediaType, Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: int64(len(content))},
		Content:    content,
	}
}
