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

// Publish sends content, then its bundles, reads both back, and only then
// moves names. Killed anywhere it leaves nothing that a name leads to without
// its signature; made again it sends only what is missing. Content that is
// not what was signed is fault.Integrity, a version that is taken is
// fault.Policy, a registry that cannot be reached fault.Network.
func Publish(ctx context.Context, s registry.Store, p Publication) (Published, error) {
	bundles, err := attachments(p.Content.Manifest, p.Signed)
	if err != nil {
		return Published{}, err
	}
	return publish(ctx, s, p, bundles)
}

func publish(ctx context.Context, s registry.Store, p Publication, bundles []attachment) (Published, error) {
	if err := checkTags(p); err != nil {
		return Published{}, err
	}
	m := p.Content.Manifest
	var err error
	out := Published{Ref: s.Name() + "@" + m.Digest.String(), Digest: m.Digest, Referrers: []digest.Digest{}, Tags: []string{}}
	blobs, manifests := slices.Clone(p.Content.Blobs), []registry.Manifest{m}
	for _, b := range bundles {
		blobs, manifests = append(blobs, b.blobs...), append(manifests, b.manifest)
		out.Referrers = append(out.Referrers, b.manifest.Digest)
	}
	if out.Uploaded, out.Skipped, err = registry.PutBlobs(ctx, s, blobs); err != nil {
		return out, err
	}
	for _, m := range manifests {
		sent, err := s.PutManifest(ctx, m)
		if err != nil {
			return out, err
		}
		out.Uploaded, out.Skipped = out.Uploaded+sent, out.Skipped+m.Size-sent
	}
	if err := readBack(ctx, s, m, bundles); err != nil {
		return out, err
	}
	err = moveNames(ctx, s, p, &out)
	return out, err
}

// moveNames moves the names: the version first, since it may be refused.
func moveNames(ctx context.Context, s registry.Store, p Publication, out *Published) error {
	requests := []registry.TagRequest{}
	if p.Version != "" {
		requests = append(requests, registry.TagRequest{Name: p.Version, Manifest: p.Content.Manifest, Immutable: true})
	}
	for _, tag := range p.Tags {
		requests = append(requests, registry.TagRequest{Name: tag, Manifest: p.Content.Manifest})
	}
	for _, t := range requests {
		if err := s.SetTag(ctx, t); err != nil {
			return err
		}
		out.Tags = append(out.Tags, t.Name)
	}
	return nil
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
