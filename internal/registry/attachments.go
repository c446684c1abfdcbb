package registry

import (
	"bytes"
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/publish/attest"
)

// attachment is a bundle as a store keeps it.
type attachment struct {
	manifest Manifest
	blobs    []Blob
}

// attachments makes the referrers of signed content.
func attachments(m Manifest, signed attest.Signed) ([]attachment, error) {
	if len(signed.Bundles()) == 0 || signed.Digest() != m.Digest.String() {
		return nil, fault.New(fault.Integrity, "%s is to be published and %q was signed", m.Digest, signed.Digest())
	}
	subject := attest.Descriptor{MediaType: m.MediaType, Digest: m.Digest.String(), Size: m.Size}
	all := make([]attachment, 0, len(signed.Bundles()))
	for _, b := range signed.Bundles() {
		manifest, blobs, err := attest.Manifest(b, subject)
		if err != nil {
			return nil, fmt.Errorf("attaching %s: %w", b.PredicateType, err)
		}
		a := attachment{manifest: newManifest(manifest.MediaType, manifest.Content)}
		for _, blob := range blobs {
			d := Descriptor{MediaType: blob.MediaType, Digest: digest.Digest(blob.Digest), Size: blob.Size}
			a.blobs = append(a.blobs, Blob{Descriptor: d, Open: bytesOf(blob.Content)})
		}
		all = append(all, a)
	}
	return all, nil
}

// settleReferrers makes the store list all bundles. The list of a registry
// without an API for it can lose some to another publisher of the same
// content, so it is read once more after they were written.
func settleReferrers(ctx context.Context, s Store, subject digest.Digest, bundles []attachment) error {
	want := make([]Descriptor, 0, len(bundles))
	for _, b := range bundles {
		d, _, err := referrerOf(b.manifest)
		if err != nil {
			return err
		}
		want = append(want, d)
	}
	for range merges {
		if err := s.Attach(ctx, subject, want); err != nil {
			return err
		}
		have, err := s.Referrers(ctx, subject)
		if err != nil {
			return err
		}
		if len(without(want, have)) == 0 {
			return nil
		}
	}
	return fault.New(fault.Integrity, "%s does not keep the list of what refers to %s", s.Name(), subject)
}

// readBack compares what a store gives with what it was given. The list of
// referrers is written between the two and looked at again last, when another
// publisher's overlapping write has had time to show.
func readBack(ctx context.Context, s Store, m Manifest, bundles []attachment) error {
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

func sameManifest(ctx context.Context, s Store, want Manifest) error {
	got, err := s.Manifest(ctx, want.Digest.String())
	if err != nil {
		return fmt.Errorf("reading back: %w", err)
	}
	if !bytes.Equal(got.Content, want.Content) {
		return fault.New(fault.Integrity, "%s: manifest %s came back changed", s.Name(), want.Digest)
	}
	return nil
}

func readsBack(ctx context.Context, s Store, b Blob) error {
	r, err := s.Blob(ctx, b.Descriptor)
	if err != nil {
		return fmt.Errorf("reading back: %w", err)
	}
	if _, err := readBlob(r, maxBundle, "bundle "+b.Digest.String()); err != nil {
		return fmt.Errorf("reading back: %w", err)
	}
	return nil
}
