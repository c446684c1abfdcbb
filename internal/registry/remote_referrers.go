package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/retry"
)

// referrersByTag reads the list of a registry without the API.
func (r *remote) referrersByTag(ctx context.Context, subject digest.Digest) ([]Descriptor, error) {
	m, err := r.Manifest(ctx, ReferrersTag(subject))
	if errors.Is(err, ErrNotFound) {
		return []Descriptor{}, nil
	}
	if err != nil {
		return nil, err
	}
	return parseReferrers(m.Content, subject)
}

// Attach writes the list that a registry without the API for referrers does
// not keep by itself. Nothing there is atomic: what another publisher wrote at
// the same moment is read back and merged until both are in the list.
func (r *remote) Attach(ctx context.Context, subject digest.Digest, referrers []Descriptor) error {
	have, ok, err := r.referrersByAPI(ctx, subject)
	if err != nil {
		return err
	}
	if ok {
		return r.listed(have, referrers)
	}
	for n := range merges {
		if n > 0 {
			if err := retry.Wait(ctx, retry.Jitter(r.options.FirstWait)); err != nil {
				return err
			}
		}
		have, err := r.referrersByTag(ctx, subject)
		if err != nil {
			return err
		}
		all := merge(have, referrers)
		if len(all) == len(have) {
			return nil
		}
		if err := r.putList(ctx, subject, all); err != nil {
			return err
		}
	}
	return fault.Hint(fault.New(fault.Busy, "%s: other publishers keep changing what refers to %s", r.Name(), subject), "run the same command again when they are done")
}

// listed says whether a registry with the API knows what was put.
func (r *remote) listed(have, want []Descriptor) error {
	if missing := without(want, have); len(missing) > 0 {
		return fault.New(fault.Integrity, "%s took %s and does not list it", r.Name(), missing[0].Digest)
	}
	return nil
}

// without returns what of list is not in known.
func without(list, known []Descriptor) []Descriptor {
	return merge(known, list)[len(merge(known, nil)):]
}

func (r *remote) putList(ctx context.Context, subject digest.Digest, all []Descriptor) error {
	if len(all) > maxReferrers {
		return tooMany(subject)
	}
	all = slices.SortedFunc(slices.Values(all), func(a, b Descriptor) int {
		return strings.Compare(string(a.Digest), string(b.Digest))
	})
	text, err := json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: all})
	if err != nil {
		return fmt.Errorf("encoding list of referrers: %w", err)
	}
	return r.put(ctx, ReferrersTag(subject), NewManifest(ocispec.MediaTypeImageIndex, text), nil)
}
