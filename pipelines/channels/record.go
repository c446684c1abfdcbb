package channels

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/channel"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/strict"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
)

// recordArtifact is the artifact type of a record's manifest.
const recordArtifact = "application/vnd.bakelite.channel.v1+json"

const (
	// maxRecord bounds a record's bundle, in bytes: its statement in base64,
	// with a certificate and what a log says.
	maxRecord = 2*channel.MaxRecord + 256<<10
	// maxAhead bounds how many records the tag of a channel may be behind, and
	// maxHistory how many are read back.
	maxAhead, maxHistory = 64, 1000
)

// Signed is a record of a repository, and who signed it.
type Signed struct {
	channel.Head
	Signer attest.Identity
	// Bundle is the record as it was signed, for readers without a registry.
	Bundle []byte

	manifest registry.Manifest
}

func channelTag(name string) string { return publish.ChannelPrefix + name }

func numberedTag(name string, sequence int64) string {
	return channelTag(name) + "." + strconv.FormatInt(sequence, 10)
}

// known refuses the name of a channel that the settings do not have.
func (f Flow) known(name string) error {
	if err := channel.CheckName(name); err != nil || slices.Contains(f.Channels, name) {
		return err
	}
	err := fault.New(fault.Invalid, "there is no channel %s: the setting channels has %q", name, f.Channels)
	if near := strict.Nearest(name, f.Channels); near != "" {
		return fault.Hint(err, "did you mean: %s", near)
	}
	return fault.Hint(err, "add it there")
}

// last returns the newest record of a channel, or nil where it has none. Where
// who moved it was killed before its tag followed, that is the one with the
// next number.
func (f Flow) last(ctx context.Context, s registry.Reader, name string) (*Signed, error) {
	newest, err := f.read(ctx, s, name, channelTag(name))
	if err != nil {
		return nil, err
	}
	for range maxAhead {
		next := int64(1)
		if newest != nil {
			next = newest.Sequence + 1
		}
		ahead, err := f.read(ctx, s, name, numberedTag(name, next))
		if err != nil {
			return nil, err
		}
		if ahead == nil {
			return newest, f.follows(ctx, s, newest)
		}
		if ahead.Sequence != next || newest != nil && ahead.Previous != newest.RecordDigest {
			return nil, fault.New(fault.Integrity, "tag %s of %s leads to record %d, which does not follow the one before it", numberedTag(name, next), name, ahead.Sequence)
		}
		newest = ahead
	}
	return nil, fault.New(fault.Integrity, "the tag of channel %s is more than %d records behind", name, maxAhead)
}

// follows refuses a record whose number is not the one after that of the record
// that it names, where that one is still there.
func (f Flow) follows(ctx context.Context, s registry.Reader, r *Signed) error {
	if r == nil || r.Previous == "" {
		return nil
	}
	before, err := f.read(ctx, s, r.Channel, r.Previous)
	if err != nil || before == nil {
		return err
	}
	if before.Sequence != r.Sequence-1 || before.App != r.App || before.ArtifactKind != r.ArtifactKind {
		return fault.New(fault.Integrity, "record %d of channel %s names record %d of the %s %q as the one before it", r.Sequence, r.Channel, before.Sequence, before.ArtifactKind, before.App)
	}
	return nil
}

// read returns the record of a tag or digest, verified; nil where there is none.
func (f Flow) read(ctx context.Context, s registry.Reader, name, ref string) (*Signed, error) {
	m, err := s.Manifest(ctx, ref)
	if errors.Is(err, registry.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading channel %s: %w", name, err)
	}
	shape, err := m.Shape()
	if err != nil {
		return nil, err
	}
	if shape.ArtifactType != recordArtifact || len(shape.Layers) != 1 || shape.Layers[0].MediaType != attest.BundleMediaType {
		return nil, fault.New(fault.Integrity, "%s of channel %s is no record", ref, name)
	}
	text, err := registry.ReadBlob(ctx, s, shape.Layers[0], maxRecord)
	if err != nil {
		return nil, fmt.Errorf("reading channel %s: %w", name, err)
	}
	r, err := f.verify(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("%s of channel %s: %w", ref, name, err)
	}
	if r.manifest.Digest != m.Digest || r.Channel != name {
		return nil, fault.New(fault.Integrity, "%s of channel %s is another record, of channel %q", ref, name, r.Channel)
	}
	return r, nil
}

// verify reads a record from its bundle: signed by who may, about what it leads
// to.
func (f Flow) verify(ctx context.Context, text []byte) (*Signed, error) {
	about, err := attest.About(text)
	if err != nil {
		return nil, fault.As(fault.Integrity, err)
	}
	want := f.want(about, intoto.ChannelType)
	if len(want.Signers) == 0 {
		return nil, fault.Hint(fault.New(fault.Invalid, "the policy names nobody whose word on channels counts"), "add a key or an identity under verify.signedBy or verify.releasedBy")
	}
	v, err := attest.Verify(ctx, text, want)
	if err != nil {
		return nil, err
	}
	r, err := channel.Parse(v.Predicate)
	if err != nil {
		return nil, err
	}
	if r.Digest != about {
		return nil, fault.New(fault.Integrity, "the record leads to %s and was signed about %s", r.Digest, about)
	}
	m, _, err := recordManifest(text)
	return &Signed{Head: channel.Head{Record: r, RecordDigest: m.Digest.String()}, Signer: v.Identity, Bundle: text, manifest: m}, err
}

// recordManifest is the artifact of a record: the same bundle gives the same
// bytes, so that the digest of a record is known without a registry.
func recordManifest(bundle []byte) (registry.Manifest, []registry.Blob, error) {
	blob := func(mediaType string, content []byte) registry.Blob {
		d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
		return registry.InMemory(d, content)
	}
	config, layer := blob(ocispec.MediaTypeEmptyJSON, []byte("{}")), blob(attest.BundleMediaType, bundle)
	text, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: recordArtifact,
		Config: config.Descriptor, Layers: []ocispec.Descriptor{layer.Descriptor},
	})
	if err != nil {
		return registry.Manifest{}, nil, fault.New(fault.Internal, "encoding a record's manifest: %w", err)
	}
	return registry.NewManifest(ocispec.MediaTypeImageManifest, text), []registry.Blob{config, layer}, nil
}

// history returns the records of a channel from the newest back, as far as they
// are there.
func (f Flow) history(ctx context.Context, s registry.Reader, newest *Signed) ([]Signed, error) {
	var all []Signed
	for r := newest; r != nil && len(all) < maxHistory; {
		all = append(all, *r)
		if r.Previous == "" {
			break
		}
		before, err := f.read(ctx, s, r.Channel, r.Previous)
		if err != nil {
			return nil, err
		}
		if before != nil && before.Sequence != r.Sequence-1 {
			return nil, fault.New(fault.Integrity, "channel %s: record %d follows record %d", r.Channel, r.Sequence, before.Sequence)
		}
		r = before
	}
	return all, nil
}
