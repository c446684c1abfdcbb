package registry

import (
	"encoding/json"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
)

// Manifest is a manifest or an index, as bytes, with its descriptor.
type Manifest struct {
	Descriptor
	Content []byte
}

// NewManifest describes the bytes of a manifest or an index.
func NewManifest(mediaType string, content []byte) Manifest {
	return Manifest{
		Descriptor: Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))},
		Content:    content,
	}
}

// Shape is what any manifest or index says of itself.
type Shape struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType"`
	Config       *Descriptor       `json:"config"`
	Layers       []Descriptor      `json:"layers"`
	Manifests    []Descriptor      `json:"manifests"`
	Subject      *Descriptor       `json:"subject"`
	Annotations  map[string]string `json:"annotations"`
}

// Shape reads a manifest or an index and checks the descriptors that it names:
// fault.Integrity where one cannot be fetched safely or there are too many.
func (m Manifest) Shape() (Shape, error) {
	var s Shape
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
		if err := CheckDescriptor(d); err != nil {
			return s, fault.New(fault.Integrity, "reading manifest %s: %w", m.Digest, err)
		}
	}
	return s, nil
}

// Referrer describes a manifest as a list of referrers names it, and returns
// the digest of its subject, "" where it has none.
func (m Manifest) Referrer() (d Descriptor, subject digest.Digest, err error) {
	s, err := m.Shape()
	if err != nil {
		return Descriptor{}, "", err
	}
	d = m.Descriptor
	d.ArtifactType, d.Annotations = s.ArtifactType, s.Annotations
	if d.ArtifactType == "" && s.Config != nil {
		d.ArtifactType = s.Config.MediaType
	}
	if s.Subject == nil {
		return d, "", nil
	}
	return d, s.Subject.Digest, nil
}
