package attest

import (
	"context"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/channel"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/publish/intoto"
)

// SignNotice signs one notice and verifies it as a reader with want would,
// whose Digest and PredicateType are those of the notice; where want names no
// signer the one who signs counts.
func SignNotice(ctx context.Context, about intoto.Subject, s intoto.Statement, by Signer, want Want) (Bundle, error) {
	if !slices.Contains(intoto.Notices(), s.PredicateType) {
		return Bundle{}, fault.New(fault.Internal, "%s is no notice", s.PredicateType)
	}
	if err := intoto.CheckDigest(about.Digest); err != nil {
		return Bundle{}, err
	}
	with, err := by.signer(ctx, about)
	if err != nil {
		return Bundle{}, err
	}
	made, err := with.sign(s)
	if err != nil {
		return Bundle{}, err
	}
	trusted := trust{with.self}
	if len(want.Signers) > 0 {
		if trusted, err = newTrust(ctx, want.Signers, want.Dir, want.TUF); err != nil {
			return Bundle{}, err
		}
	}
	o, err := openBundle(made.JSON)
	if err == nil {
		_, err = trusted.verify(o, about.Digest, want.Now)
	}
	if err != nil {
		return Bundle{}, fault.Hint(fault.New(fault.KindOf(err), "what was just signed would be refused: %w", err),
			"sign with a key or identity that the policy's verify.releasedBy, or else verify.signedBy, names")
	}
	return made, nil
}

// signer is who signs: the key, the identity, or where Sigstore is out of reach
// the fallback.
func (s Signer) signer(ctx context.Context, about intoto.Subject) (signer, error) {
	switch {
	case s.key != nil:
		return keySigner(ctx, about, s.key)
	case s.keyless == nil:
		return signer{}, nobody()
	}
	by, err := s.keyless.signer(ctx, about)
	if fault.KindOf(err) == fault.Network && s.keyless.Fallback != nil {
		return keySigner(ctx, about, s.keyless.Fallback)
	}
	return by, err
}

// Revoked returns why an artifact is not to be run any more, by those of its
// bundles that one of want's signers signed. Others do no harm.
func Revoked(ctx context.Context, bundles [][]byte, want Want) ([]string, error) {
	if err := intoto.CheckDigest(want.Digest); err != nil {
		return nil, err
	}
	trusted, err := newTrust(ctx, want.Signers, want.Dir, want.TUF)
	if err != nil {
		return nil, err
	}
	var s Summary
	for _, text := range bundles {
		if o, err := openBundle(text); err == nil && o.Kind == intoto.RevocationType {
			trusted.takeRevocation(&s, o, All{Digest: want.Digest, Now: want.Now})
		}
	}
	return s.Revoked, ctx.Err()
}

// refuseRevoked refuses to sign what somebody who counts has revoked.
func (t trust) refuseRevoked(ctx context.Context, o Order) error {
	releasers, err := newTrust(ctx, o.Want.Verify.ReleasedBy, o.Want.Dir, o.Want.TUF)
	if err != nil {
		return err
	}
	var s Summary
	for _, text := range o.Attached {
		if there, err := openBundle(text); err == nil && there.Kind == intoto.RevocationType {
			slices.Concat(t, releasers).takeRevocation(&s, there, o.Want)
		}
	}
	if len(s.Revoked) == 0 {
		return nil
	}
	return fault.Hint(fault.New(fault.Policy, "%s is not published again: %s", o.Subject.Digest, strings.Join(s.Revoked, "; ")), "change the app, so that another image comes of it")
}

// takeRevocation adds a revocation that counts. The words are the signer's own,
// the digest that they are about is the statement's subject.
func (t trust) takeRevocation(s *Summary, o openedBundle, want All) {
	v, err := t.verify(o, want.Digest, want.Now)
	if err != nil {
		if claimed := o.claimed(err); strings.HasPrefix(claimed, " by ") {
			s.Untrusted = append(s.Untrusted, claimed)
		}
		return
	}
	said := "it was revoked"
	if r, err := channel.ParseRevocation(v.Predicate); err == nil && r.Digest == want.Digest {
		said = r.String()
	}
	s.Revoked = append(s.Revoked, said+" (by "+v.Identity.String()+")")
}
