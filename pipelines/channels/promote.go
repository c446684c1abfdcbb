package channels

import (
	"context"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/channel"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
)

// Promote plans to let a channel lead to what a reference names, which has to
// pass verify. Apps are those that may stand on it.
func (f Flow) Promote(ctx context.Context, ref string, o Options, apps []app.App) (Plan, error) {
	if err := f.known(o.Channel); err != nil {
		return Plan{}, err
	}
	to, err := f.verified(ctx, ref)
	if err != nil {
		return Plan{}, err
	}
	last, err := f.last(ctx, to.Store, o.Channel)
	if err != nil {
		return Plan{}, err
	}
	return f.lead(ctx, last, to, o, apps)
}

// Rollback plans to let a channel lead to what it led to before: to a digest
// that it once led to, or where that is "" to the last one before the one now
// that was not revoked. It is a new record, so that no reader goes back.
func (f Flow) Rollback(ctx context.Context, repository, digest string, o Options, apps []app.App) (Plan, error) {
	if err := f.known(o.Channel); err != nil {
		return Plan{}, err
	}
	store, at, err := registry.Open(repository, f.Registry)
	if err != nil {
		return Plan{}, err
	}
	if at != "" {
		return Plan{}, fault.New(fault.Invalid, "%s: name the repository alone, and what to go back to with --to", repository)
	}
	last, err := f.last(ctx, store, o.Channel)
	if err == nil && last == nil {
		err = fault.New(fault.Missing, "%s has no channel %s", store.Name(), o.Channel)
	}
	if err != nil {
		return Plan{}, err
	}
	records, err := f.history(ctx, store, last)
	if err != nil {
		return Plan{}, err
	}
	back, err := before(records, digest)
	if err != nil {
		return Plan{}, err
	}
	to, err := f.verified(ctx, store.Name()+"@"+back)
	if err != nil {
		return Plan{}, err
	}
	return f.lead(ctx, last, to, o, apps)
}

// before chooses what to go back to, from records that begin with the newest.
func before(records []Signed, digest string) (string, error) {
	newest := records[0]
	for _, r := range records[1:] {
		switch {
		case digest != "" && r.Digest == digest:
			return digest, nil
		case digest == "" && r.Digest != newest.Digest && newest.Revocation(r.Digest) == nil:
			return r.Digest, nil
		}
	}
	if digest != "" {
		return "", fault.Hint(fault.New(fault.Missing, "the channel %s never led to %s, as far as its records are there", newest.Channel, digest), "use promote to let it lead to something new")
	}
	return "", fault.Hint(fault.New(fault.Missing, "the channel %s led to nothing else before that was not revoked", newest.Channel), "use promote to let it lead to something new")
}

// lead plans one move.
func (f Flow) lead(ctx context.Context, last *Signed, to image, o Options, apps []app.App) (Plan, error) {
	var head *channel.Head
	digests := []string{}
	if last != nil {
		head, digests = &last.Head, []string{last.Digest}
	}
	next, err := channel.Next(head, channel.Move{
		Channel: o.Channel, App: to.app, ArtifactKind: to.kind, Digest: to.Digest, Version: to.version, Reason: o.Reason, Valid: o.Valid, Now: f.Now(),
	})
	if err != nil {
		return Plan{}, err
	}
	repository := repositoryOf(to.Target)
	p := Plan{Repository: repository, Moves: []Move{{From: head, To: next, Changes: f.changes(ctx, repository, last, to)}}, store: to.Store, name: to.app}
	if last == nil || last.Digest != to.Digest {
		p.Apps = children(apps, repository, digests, []string{o.Channel})
	}
	return p, nil
}
