package channels

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/channel"
	"github.com/bakelite/bakelite/internal/fault"
)

// Revoke plans to say of what a reference names that it is not to be run any
// more: by a statement that is attached to it, and in the next record of each
// channel of its repository. A channel that leads to it will lead to the
// replacement, which has to pass verify; without one nothing is planned.
func (f Flow) Revoke(ctx context.Context, ref, replacement string, o Options, apps []app.App) (Plan, error) {
	t, err := f.find(ctx, ref)
	if err != nil {
		return Plan{}, err
	}
	repository := repositoryOf(t)
	var instead image
	if replacement != "" {
		if instead, err = f.replacement(ctx, repository, replacement); err != nil {
			return Plan{}, err
		}
	}
	v, err := channel.NewRevocation(t.Digest, o.Reason, instead.Digest, f.Now())
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Repository: repository, Revocation: &v, store: t.Store, Apps: children(apps, repository, []string{t.Digest}, nil)}
	var refused []error
	for _, name := range f.Channels {
		last, err := f.last(ctx, t.Store, name)
		if err != nil {
			return Plan{}, err
		}
		if last == nil {
			continue
		}
		if instead.app != "" && (instead.app != last.App || instead.kind != last.ArtifactKind) {
			return Plan{}, fault.New(fault.Policy, "the channel %s is of the %s %q, and the replacement is the %s %q", name, last.ArtifactKind, last.App, instead.kind, instead.app)
		}
		p.name = last.App
		next, err := channel.Revoke(last.Head, v, channel.Move{Valid: o.Valid, Now: f.Now()})
		if err != nil {
			refused = append(refused, err)
			continue
		}
		m := Move{From: &last.Head, To: next}
		if next.Digest != last.Digest {
			m.To.Version, m.Changes = instead.version, f.changes(ctx, repository, last, instead)
		}
		p.Moves = append(p.Moves, m)
	}
	p.name = cmp.Or(p.name, path.Base(repository))
	return p, errors.Join(refused...)
}

// replacement is what to run in the place of what is revoked: a digest or tag of
// the same repository.
func (f Flow) replacement(ctx context.Context, repository, at string) (image, error) {
	ref := repository + ":" + at
	if len(at) > len("sha256:") && at[:len("sha256:")] == "sha256:" {
		ref = repository + "@" + at
	}
	i, err := f.verified(ctx, ref)
	if err != nil {
		return i, fmt.Errorf("the replacement: %w", err)
	}
	return i, nil
}
