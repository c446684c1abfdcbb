package registry

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/internal/fault"
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
func Publish(ctx context.Context, s Store, p Publication) (Published, error) {
	bundles, err := attachments(p.Content.Manifest, p.Signed)
	if err != nil {
		return Published{}, err
	}
	return publish(ctx, s, p, bundles)
}

func publish(ctx context.Context, s Store, p Publication, bundles []attachment) (Published, error) {
	if err := checkTags(p); err != nil {
		return Published{}, err
	}
	m := p.Content.Manifest
	var err error
	out := Published{Ref: refByDigest(s, m.Digest), Digest: m.Digest, Referrers: []digest.Digest{}, Tags: []string{}}
	blobs, manifests := slices.Clone(p.Content.Blobs), []Manifest{m}
	for _, b := range bundles {
		blobs, manifests = append(blobs, b.blobs...), append(manifests, b.manifest)
		out.Referrers = append(out.Referrers, b.manifest.Digest)
	}
	if out.Uploaded, out.Skipped, err = putBlobs(ctx, s, blobs); err != nil {
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
func moveNames(ctx context.Context, s Store, p Publication, out *Published) error {
	requests := []TagRequest{}
	if p.Version != "" {
		requests = append(requests, TagRequest{Name: p.Version, Manifest: p.Content.Manifest, Immutable: true})
	}
	for _, tag := range p.Tags {
		requests = append(requests, TagRequest{Name: tag, Manifest: p.Content.Manifest})
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
	return checkTag(tag)
}

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

// putBlobs sends what is missing, a few at a time, and returns the bytes sent
// and skipped.
func putBlobs(ctx context.Context, s Store, blobs []Blob) (sent, skipped int64, err error) {
	var uploaded, there atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	seen := map[digest.Digest]bool{}
	for _, b := range blobs {
		if seen[b.Digest] {
			continue
		}
		seen[b.Digest] = true
		group.Go(func() error {
			has, err := s.HasBlob(ctx, b.Descriptor)
			if err != nil {
				return err
			}
			if has {
				there.Add(b.Size)
				return nil
			}
			uploaded.Add(b.Size)
			return s.PutBlob(ctx, b)
		})
	}
	err = group.Wait()
	return uploaded.Load(), there.Load(), err
}
