// Package publish puts images and disks into an OCI repository, of a registry
// or a layout folder, with what vouches for them, and reads both back: content
// first, bundles next, the names last, so that a name never leads to something
// unsigned, whenever a publisher is killed.
//
// It refuses content whose digest was not signed, and a version that is there
// with other content. What the bundles are worth publish/attest decides.
package publish

import (
	"context"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/attest"
)

// Publication is what to publish.
type Publication struct {
	// Content is an image or a disk.
	Content Content
	// Signed vouches for Content's manifest, by its digest.
	Signed attest.Signed
	// Version is a tag that never moves, "" for none.
	Version string
	// Tags are tags that move to this content.
	Tags []string
}

// Published says what a store has now.
type Published struct {
	// Ref names the content by digest.
	Ref    string        `json:"ref"`
	Digest digest.Digest `json:"digest"`
	// Uploaded and Skipped are bytes that were sent and that were there.
	Uploaded int64 `json:"uploaded"`
	Skipped  int64 `json:"skipped"`
	// Referrers are the manifests of the bundles, by digest.
	Referrers []digest.Digest `json:"referrers"`
	// Tags lead to the content, the version first.
	Tags []string `json:"tags"`
}

// Sent is content that a store has with its bundles, and that no name leads to
// yet.
type Sent struct {
	store       registry.Store
	publication Publication
	published   Published
}

// Publish sends and names one publication. Killed anywhere it leaves nothing
// that a name leads to without its signature; made again it sends only what is
// missing. Errors are those of Send and Name.
func Publish(ctx context.Context, s registry.Store, p Publication) (Published, error) {
	sent, err := Send(ctx, s, p)
	if err != nil {
		return sent.published, err
	}
	return sent.Name(ctx)
}

// Send sends content, then its bundles, and reads both back. Content that is
// not what was signed is fault.Integrity, a registry that cannot be reached
// fault.Network.
func Send(ctx context.Context, s registry.Store, p Publication) (Sent, error) {
	bundles, err := attachments(p.Content.Manifest, p.Signed)
	if err == nil {
		err = checkTags(p)
	}
	if err != nil {
		return Sent{}, err
	}
	m := p.Content.Manifest
	sent := Sent{s, p, Published{Ref: s.Name() + "@" + m.Digest.String(), Digest: m.Digest, Referrers: []digest.Digest{}, Tags: []string{}}}
	return sent, sent.send(ctx, bundles)
}

func (s *Sent) send(ctx context.Context, bundles []attachment) (err error) {
	out, m := &s.published, s.publication.Content.Manifest
	blobs, manifests := slices.Clone(s.publication.Content.Blobs), []registry.Manifest{m}
	for _, b := range bundles {
		blobs, manifests = append(blobs, b.blobs...), append(manifests, b.manifest)
		out.Referrers = append(out.Referrers, b.manifest.Digest)
	}
	if out.Uploaded, out.Skipped, err = registry.PutBlobs(ctx, s.store, blobs); err != nil {
		return err
	}
	for _, m := range manifests {
		sent, err := s.store.PutManifest(ctx, m)
		if err != nil {
			return err
		}
		out.Uploaded, out.Skipped = out.Uploaded+sent, out.Skipped+m.Size-sent
	}
	return readBack(ctx, s.store, m, bundles)
}

// Name moves the names to what was sent: the version first, since one that is
// taken is refused with fault.Policy.
func (s Sent) Name(ctx context.Context) (Published, error) {
	p, out := s.publication, s.published
	requests := []registry.TagRequest{}
	if p.Version != "" {
		requests = append(requests, registry.TagRequest{Name: p.Version, Manifest: p.Content.Manifest, Immutable: true})
	}
	for _, tag := range p.Tags {
		requests = append(requests, registry.TagRequest{Name: tag, Manifest: p.Content.Manifest})
	}
	for _, t := range requests {
		if err := s.store.SetTag(ctx, t); err != nil {
			return out, err
		}
		out.Tags = append(out.Tags, t.Name)
	}
	return out, nil
}

// CheckTag refuses a tag that nothing can be published under, with an error of
// kind fault.Invalid.
func CheckTag(tag string) error {
	if strings.HasPrefix(tag, "sha256-") {
		return fault.Hint(fault.New(fault.Invalid, "tag %s is of the form that signatures are found by", tag), "choose another one, such as 1.0.0")
	}
	if strings.HasPrefix(tag, ChannelPrefix) {
		return fault.Hint(fault.New(fault.Invalid, "tag %s is of the form that channels' records are found by", tag), "choose another one, such as 1.0.0")
	}
	return registry.CheckTag(tag)
}

// ChannelPrefix begins the tags that channels' records are found by.
const ChannelPrefix = "channel."

func checkTags(p Publication) error {
	tags := slices.Clone(p.Tags)
	if p.Version != "" {
		tags = append(tags, p.Version)
	}
	for _, tag := range tags {
		if err := CheckTag(tag); err != nil {
			return err
		}
	}
	if p.Version != "" && slices.Contains(p.Tags, p.Version) {
		return fault.New(fault.Invalid, "tag %s cannot be a version, which stays, and a tag that moves", p.Version)
	}
	return nil
}
