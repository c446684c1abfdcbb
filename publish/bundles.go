package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/attest"
)

// bundleMediaType begins the media type of Sigstore bundles of any version.
const bundleMediaType = "application/vnd.dev.sigstore.bundle"

// Media types and the annotation of classic signatures, as cosign documents
// them in its specification of signatures.
const (
	simpleSigning    = "application/vnd.dev.cosign.simplesigning.v1+json"
	classicSignature = "dev.cosignproject.cosign/signature"
)

// ReadBundles returns the Sigstore bundles that refer to a digest. Nothing is
// verified but that they are what the repository says they are; why others
// could not be read is in unread. Anybody who may write to the repository can
// attach one that cannot be, so only a repository out of reach is an error.
func ReadBundles(ctx context.Context, s registry.Reader, subject digest.Digest) (bundles [][]byte, unread []error, err error) {
	referrers, err := s.Referrers(ctx, subject)
	if err != nil {
		return nil, nil, fmt.Errorf("reading bundles: %w", err)
	}
	room := int64(maxBundles)
	for _, d := range referrers {
		if !mayBeBundle(d.ArtifactType) {
			continue
		}
		found, err := bundlesOf(ctx, s, d, subject, room)
		switch kind := fault.KindOf(err); {
		case err == nil:
		case kind == fault.Network || kind == fault.Cancelled:
			return nil, nil, fmt.Errorf("reading bundles: %w", err)
		default:
			unread = append(unread, err)
			continue
		}
		for _, b := range found {
			room -= int64(len(b))
		}
		if bundles = append(bundles, found...); len(bundles)+len(unread) > attest.MaxBundles {
			return nil, nil, fault.New(fault.Integrity, "more than %d bundles speak of %s", attest.MaxBundles, subject)
		}
	}
	return bundles, unread, nil
}

// mayBeBundle goes by what a list says: nothing, or with older registries the
// config's media type, has the manifest read.
func mayBeBundle(artifactType string) bool {
	return artifactType == "" || artifactType == ocispec.MediaTypeEmptyJSON || strings.HasPrefix(artifactType, bundleMediaType)
}

// bundlesOf reads the layers of one referrer that are bundles.
func bundlesOf(ctx context.Context, s registry.Reader, d registry.Descriptor, subject digest.Digest, room int64) ([][]byte, error) {
	m, err := s.Manifest(ctx, d.Digest.String())
	if err != nil {
		return nil, err
	}
	referrer, of, err := m.Referrer()
	if err != nil || !strings.HasPrefix(referrer.ArtifactType, bundleMediaType) {
		return nil, err
	}
	if of != subject {
		return nil, fault.New(fault.Integrity, "%s is listed for %s and speaks of %q", d.Digest, subject, of)
	}
	parsed, err := m.Shape()
	if err != nil {
		return nil, err
	}
	found := [][]byte{}
	for _, l := range parsed.Layers {
		if !strings.HasPrefix(l.MediaType, bundleMediaType) {
			continue
		}
		if l.Size > min(maxBundle, room) {
			return nil, fault.New(fault.Integrity, "bundle %s has %d bytes: one may have %d, all together %d", l.Digest, l.Size, maxBundle, maxBundles)
		}
		text, err := registry.ReadBlob(ctx, s, l, maxBundle)
		if err != nil {
			return nil, err
		}
		found, room = append(found, text), room-l.Size
	}
	return found, nil
}

// Whole says whether a store has content in full, and lists and has what was
// attached to it: referrers by the digests of their manifests, at least one.
// What cannot be read is not there.
func Whole(ctx context.Context, s registry.Store, c Content, attached []string) bool {
	var blobs []registry.Descriptor
	for _, b := range c.Blobs {
		blobs = append(blobs, b.Descriptor)
	}
	if !hasAll(ctx, s, blobs) {
		return false
	}
	listed, err := s.Referrers(ctx, c.Manifest.Digest)
	if err != nil || len(attached) == 0 {
		return false
	}
	for _, want := range attached {
		if !slices.ContainsFunc(listed, func(d registry.Descriptor) bool { return d.Digest.String() == want }) {
			return false
		}
		m, err := s.Manifest(ctx, want)
		if err != nil {
			return false
		}
		shape, err := m.Shape()
		if err != nil || !hasAll(ctx, s, shape.Layers) {
			return false
		}
	}
	return true
}

func hasAll(ctx context.Context, s registry.Store, blobs []registry.Descriptor) bool {
	for _, d := range blobs {
		if has, err := s.HasBlob(ctx, d); err != nil || !has {
			return false
		}
	}
	return true
}

// ClassicSignatures returns the signatures that cosign made before version 3:
// layers of the image with the tag sha256-<hex>.sig. None is no error.
func ClassicSignatures(ctx context.Context, s registry.Reader, subject digest.Digest) ([]attest.Classic, error) {
	if err := registry.CheckDigest(subject); err != nil {
		return nil, err
	}
	m, err := s.Manifest(ctx, registry.ReferrersTag(subject)+".sig")
	if errors.Is(err, registry.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading signatures: %w", err)
	}
	parsed, err := m.Shape()
	if err != nil {
		return nil, err
	}
	found := []attest.Classic{}
	for _, l := range parsed.Layers {
		signature := l.Annotations[classicSignature]
		if l.MediaType != simpleSigning || signature == "" {
			continue
		}
		if len(found) == attest.MaxBundles || l.Size > maxClassic {
			return nil, fault.New(fault.Integrity, "%s has more than %d signatures or one of more than %d bytes", subject, attest.MaxBundles, maxClassic)
		}
		payload, err := registry.ReadBlob(ctx, s, l, maxClassic)
		if err != nil {
			return nil, fmt.Errorf("reading signatures: %w", err)
		}
		found = append(found, attest.Classic{Payload: payload, Signature: signature})
	}
	return found, nil
}
