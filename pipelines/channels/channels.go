// Package channels holds the flows of channels: move one to what was published
// (promote.go), back (rollback.go), take something out of all of them
// (revoke.go), follow one as a reader (follow.go), and say what something came
// from and what stands on it (lineage.go). Each move is planned first, so that
// a command shows what it reaches before anything is signed.
//
// A record is an artifact of its own in the repository that it is about, with
// a bundle as its one layer. A tag with its number is set once, so that of two
// who move a channel at once one is refused; the tag of the channel follows,
// and last the plain tag that leads to the image.
package channels

import (
	"context"
	"time"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/sigstore"
)

// Flow is what the flows work with.
type Flow struct {
	// Look finds what was published and verifies it.
	Look Look
	// Policy says whose word on channels counts.
	Policy policy.Policy
	// Registry says how registries are reached, TUF where the public
	// Sigstore's trusted root comes from.
	Registry registry.Options
	TUF      sigstore.TUF
	// Signer returns who signs records; readers need none.
	Signer func(context.Context) (attest.Signer, error)
	// Vouch remembers the last record that a reader went by.
	Vouch vouch.Key
	// Channels are the names that there are.
	Channels []string
	// Now is the clock.
	Now func() time.Time
}

// Look is what the flows ask of those that look at what was published.
type Look interface {
	Find(ctx context.Context, name string) (look.Target, error)
	Verify(ctx context.Context, t look.Target, asked look.Asked) (attest.Summary, error)
}

// want is whose records count.
func (f Flow) want(digest, predicate string) attest.Want {
	signers := f.Policy.Verify.ReleasedBy
	if len(signers) == 0 {
		signers = f.Policy.Verify.SignedBy
	}
	return attest.Want{Digest: digest, PredicateType: predicate, Signers: signers, Dir: f.Policy.Dir, TUF: f.TUF, Now: f.Now()}
}
