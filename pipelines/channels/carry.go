package channels

import (
	"context"
	"errors"
	"fmt"

	"github.com/bakelite/bakelite/internal/channel"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
)

// Carry does what was planned: it states a revocation, and then moves each
// channel. Killed anywhere it leaves channels that lead somewhere, and done
// again it goes on. Where somebody else moved one since it was planned, that is
// a fault.Policy and the channel stays.
func (f Flow) Carry(ctx context.Context, p Plan) error {
	signer, err := f.Signer(ctx)
	if err != nil {
		return err
	}
	if p.Revocation != nil {
		if err := f.state(ctx, p, signer); err != nil {
			return err
		}
	}
	var failed []error
	for _, m := range p.Moves {
		if err := f.move(ctx, p, m.To, signer); err != nil {
			failed = append(failed, fmt.Errorf("channel %s: %w", m.To.Channel, err))
		}
	}
	return errors.Join(failed...)
}

// state attaches a revocation to what it is about.
func (f Flow) state(ctx context.Context, p Plan, signer attest.Signer) error {
	about, err := p.store.Manifest(ctx, p.Revocation.Digest)
	if err != nil {
		return fmt.Errorf("revoking: %w", err)
	}
	b, err := attest.SignNotice(ctx, intoto.Subject{Name: p.name, Digest: p.Revocation.Digest}, intoto.Revocation(*p.Revocation), signer, f.want(p.Revocation.Digest, intoto.RevocationType))
	if err != nil {
		return err
	}
	return publish.Attach(ctx, p.store, about, b)
}

// move signs a record and lets the tags follow: first the one with its number,
// which nobody can take twice, then the channel's, and last the plain one.
func (f Flow) move(ctx context.Context, p Plan, r channel.Record, signer attest.Signer) error {
	image, err := p.store.Manifest(ctx, r.Digest)
	if err != nil {
		return err
	}
	b, err := attest.SignNotice(ctx, intoto.Subject{Name: p.name, Digest: r.Digest}, intoto.ChannelRecord(r), signer, f.want(r.Digest, intoto.ChannelType))
	if err != nil {
		return err
	}
	m, blobs, err := recordManifest(b.JSON)
	if err != nil {
		return err
	}
	if _, _, err := registry.PutBlobs(ctx, p.store, blobs); err != nil {
		return err
	}
	if _, err := p.store.PutManifest(ctx, m); err != nil {
		return err
	}
	number := registry.TagRequest{Name: numberedTag(r.Channel, r.Sequence), Manifest: m, Immutable: true}
	if err := p.store.SetTag(ctx, number); fault.KindOf(err) == fault.Policy {
		return fault.Hint(fault.New(fault.Policy, "somebody else made record %d: %w", r.Sequence, err), "look what it leads to now, and decide again")
	} else if err != nil {
		return err
	}
	if err := p.store.SetTag(ctx, registry.TagRequest{Name: channelTag(r.Channel), Manifest: m}); err != nil {
		return err
	}
	return p.store.SetTag(ctx, registry.TagRequest{Name: r.Channel, Manifest: image})
}
