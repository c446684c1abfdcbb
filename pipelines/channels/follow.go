package channels

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/channel"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
)

// Asked is what a reader asks of a channel.
type Asked struct {
	Channel, App, ArtifactKind string
	// Digest is what it must lead to, "" for anything.
	Digest string
	// Record is a record from a file, in place of the repository's.
	Record []byte
}

// Follow returns the record of a channel that a reader goes by: signed, not
// past its time, not older than one that this state folder saw, and leading to
// what was asked for. Anything else is a fault.Policy, or fault.Integrity where
// the record is no record. A store may be nil where the record is given.
func (f Flow) Follow(ctx context.Context, s registry.Reader, a Asked) (*Signed, error) {
	r, err := f.newest(ctx, s, a)
	if err != nil {
		return nil, err
	}
	name := strings.Join([]string{r.App, r.ArtifactKind, r.Channel, r.Signer.String()}, "\x00")
	seen := f.seen(name)
	reasons := r.Judge(channel.Asked{Channel: a.Channel, App: a.App, ArtifactKind: a.ArtifactKind, Digest: a.Digest, Seen: seen, Now: f.Now()})
	if len(reasons) > 0 {
		return r, fault.Hint(fault.New(fault.Policy, "the channel %s refuses it:\n  %s", a.Channel, strings.Join(reasons, "\n  ")), "run what the channel leads to, when it can be read again")
	}
	if r.Sequence > seen.Sequence {
		err = f.Vouch.Note(vouch.Channel, name, fmt.Sprintf("%d %s", r.Sequence, r.RecordDigest))
	}
	return r, err
}

func (f Flow) newest(ctx context.Context, s registry.Reader, a Asked) (*Signed, error) {
	if a.Record != nil {
		return f.verify(ctx, a.Record)
	}
	r, err := f.read(ctx, s, a.Channel, channelTag(a.Channel))
	if err == nil && r == nil {
		err = fault.Hint(fault.New(fault.Policy, "there is no channel %s where it was published", a.Channel), "ask its makers which channels there are")
	}
	return r, err
}

func (f Flow) seen(name string) channel.Seen {
	text, _ := f.Vouch.Noted(vouch.Channel, name)
	number, digest, _ := strings.Cut(text, " ")
	sequence, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return channel.Seen{}
	}
	return channel.Seen{Sequence: sequence, RecordDigest: digest}
}

// Revoked returns why an image, by its reference and digest, is not to be stood
// on any more, as signers of the policy said; where the policy names none
// nobody is asked. A registry that is out of reach is a fault.Network.
func (f Flow) Revoked(ctx context.Context, ref, image string) ([]string, error) {
	v := f.Policy.Verify
	want := attest.Want{Digest: image, Signers: slices.Concat(v.SignedBy, v.ReleasedBy, f.Policy.Bases.Images.SignedBy), Dir: f.Policy.Dir, TUF: f.TUF, Now: f.Now()}
	if len(want.Signers) == 0 {
		return nil, nil
	}
	store, _, err := registry.Open(ref, f.Registry)
	if err != nil {
		return nil, err
	}
	bundles, _, err := publish.ReadBundles(ctx, store, digest.Digest(image))
	if err != nil {
		return nil, err
	}
	return attest.Revoked(ctx, bundles, want)
}
