package publish

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/attest"
)

// attachment is a bundle as a store keeps it.
type attachment struct {
	manifest registry.Manifest
	blobs    []registry.Blob
}

// attachments makes the referrers of signed content.
func attachments(m registry.Manifest, signed attest.Signed) ([]attachment, error) {
	if len(signed.Bundles()) == 0 || signed.Digest() != m.Digest.String() {
		return nil, fault.New(fault.Integrity, "%s is to be published and %q was signed", m.Digest, signed.Digest())
	}
	subject := registry.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: m.Size}
	all := make([]attachment, 0, len(signed.Bundles()))
	for _, b := range signed.Bundles() {
		a, err := attachmentOf(b, subject)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func attachmentOf(b attest.Bundle, subject registry.Descriptor) (attachment, error) {
	manifest, blobs, err := attest.Manifest(b, subject)
	if err != nil {
		return attachment{}, fmt.Errorf("attaching %s: %w", b.PredicateType, err)
	}
	a := attachment{manifest: registry.NewManifest(manifest.MediaType, manifest.Content)}
	for _, blob := range blobs {
		a.blobs = append(a.blobs, registry.InMemory(blob.Descriptor, blob.Content))
	}
	return a, nil
}

// relists is how often bundles are listed again because another publisher's
// list replaced theirs.
const relists = 8

// settleReferrers makes the store list all bundles. The list of a registry
// without an API for it can lose some to another publisher of the same
// content, so it is read once more after they were written.
func settleReferrers(ctx context.Context, s registry.Store, subject digest.Digest, bundles []attachment) error {
	want := make([]registry.Descriptor, 0, len(bundles))
	for _, b := range bundles {
		d, _, err := b.manifest.Referrer()
		if err != nil {
			return err
		}
		want = append(want, d)
	}
	for range relists {
		if err := s.Attach(ctx, subject, want); err != nil {
			return err
		}
		have, err := s.Referrers(ctx, subject)
		if err != nil {
			return err
		}
		if listsAll(have, want) {
			return nil
		}
	}
	return fault.New(fault.Integrity, "%s does not keep the list of what refers to %s", s.Name(), subject)
}

// listsAll says whether a list of referrers has all that are wanted.
func listsAll(have, want []registry.Descriptor) bool {
	listed := map[digest.Digest]bool{}
	for _, d := range have {
		listed[d.Digest] = true
	}
	return !slices.ContainsFunc(want, func(d registry.Descriptor) bool { return !listed[d.Digest] })
}

// readBack compares what a store gives with what it was given. The list of
// referrers is written between the two and looked at again last, when another
// publisher's overlapping write has had time to show.
func readBack(ctx context.Context, s registry.Store, m registry.Manifest, bundles []attachment) error {
	if err := sameManifest(ctx, s, m); err != nil {
		return err
	}
	for _, b := range bundles {
		if err := sameManifest(ctx, s, b.manifest); err != nil {
			return err
		}
	}
	if err := settleReferrers(ctx, s, m.Digest, bundles); err != nil {
		return err
	}
	for _, b := range bundles {
		for _, blob := range b.blobs {
			if err := readsBack(ctx, s, blob); err != nil {
				return err
			}
		}
	}
	return settleReferrers(ctx, s, m.Digest, bundles)
}

func sameManifest(ctx context.Context, s registry.Store, want registry.Manifest) error {
	got, err := s.Manifest(ctx, want.Digest.String())
	if err != nil {
		return fmt.Errorf("reading back: %w", err)
	}
	if !bytes.Equal(got.Content, want.Content) {
		return fault.New(fault.Integrity, "%s: manifest %s came back changed", s.Name(), want.Digest)
	}
	return nil
}

func readsBack(ctx context.Context, s registry.Store, b registry.Blob) error {
	if _, err := registry.ReadBlob(ctx, s, b.Descriptor, maxBundle); err != nil {
		return fmt.Errorf("reading back: %w", err)
	}
	return nil
}
