package registry

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/retry"
)

// SetTag moves a tag with the one request that registries have for it. For a
// version the tag must be absent before and the same after it had time to
// settle: of two publishers the one that wrote last wins and the other hears
// of it. A registry that can keep tags from moving should be told to.
func (r *remote) SetTag(ctx context.Context, t TagRequest) error {
	if err := CheckTag(t.Name); err != nil {
		return err
	}
	have, err := r.tagged(ctx, t.Name)
	if err != nil || have == t.Manifest.Digest {
		return err
	}
	if !t.Immutable {
		return r.put(ctx, t.Name, t.Manifest, nil)
	}
	if have != "" {
		return taken(r.Name(), t.Name, have, t.Manifest.Digest)
	}
	// what knows the condition (RFC 9110, 13.1.2) closes the race
	err = r.put(ctx, t.Name, t.Manifest, http.Header{"If-None-Match": {"*"}})
	if err != nil && !conflict(err) {
		return err
	}
	if err == nil {
		if err := retry.Wait(ctx, r.options.Settle); err != nil {
			return err
		}
	}
	return r.won(ctx, t, err)
}

// won reads a version back.
func (r *remote) won(ctx context.Context, t TagRequest, refused error) error {
	have, err := r.tagged(ctx, t.Name)
	switch {
	case err != nil:
		return err
	case have == t.Manifest.Digest:
		return nil
	case have == "" && refused != nil:
		return refused
	case have == "":
		return fault.New(fault.Integrity, "%s took the tag %s and does not have it", r.Name(), t.Name)
	default:
		return taken(r.Name(), t.Name, have, t.Manifest.Digest)
	}
}

// tagged returns what a tag leads to, or "".
func (r *remote) tagged(ctx context.Context, tag string) (digest.Digest, error) {
	m, err := r.Manifest(ctx, tag)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return m.Digest, err
}

// conflict says that a registry refused to move a tag: the condition failed,
// or its tags never move.
func conflict(err error) bool {
	var refused *transport.Error
	return errors.As(err, &refused) && (refused.StatusCode == http.StatusPreconditionFailed ||
		refused.StatusCode == http.StatusConflict || refused.StatusCode == http.StatusBadRequest)
}

// CheckVersion refuses with fault.Policy a version that is there with other
// content than m, before anything is sent. A publisher asks again while it
// sets the name.
func CheckVersion(ctx context.Context, s Store, version string, m Manifest) error {
	have, err := s.Manifest(ctx, version)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	case have.Digest != m.Digest:
		return taken(s.Name(), version, have.Digest, m.Digest)
	}
	return nil
}

// taken is the error of a version that is there with other content.
func taken(where, tag string, have, want digest.Digest) error {
	return fault.Hint(
		fault.New(fault.Policy, "%s: version %s is %s already and never becomes %s", where, tag, have, want),
		"publish what changed under a new version")
}
