package look

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
)

// PublishedLock is what a published artifact was made from.
type PublishedLock struct {
	// Ref names the artifact by digest.
	Ref  string
	Lock lock.Lock
}

// Published returns the locks that signers of the policy attested for what the
// names of an app lead to now, by the kind of artifact; one that is not
// published has none. What is attested by nobody of the policy is a
// fault.Policy, a registry that is out of reach a fault.Network.
func (r Reader) Published(ctx context.Context, a app.App) (map[string]PublishedLock, error) {
	if len(r.Policy.Verify.SignedBy) == 0 {
		return nil, fault.Hint(fault.New(fault.Invalid, "the policy names nobody whose word about what is published counts"),
			"name the key or identity that publishes under verify.signedBy")
	}
	all := map[string]PublishedLock{}
	for kind, suffix := range map[string]string{artifact.Container: "", artifact.Disk: publish.DiskSuffix} {
		p, err := r.publishedLock(ctx, r.Destination+"/"+a.Name+suffix)
		if errors.Is(err, registry.ErrNotFound) {
			continue
		}
		if err == nil && p.Lock.App != a.Name {
			err = fault.New(fault.Integrity, "its lock is of the app %q", p.Lock.App)
		}
		if err != nil {
			return nil, fmt.Errorf("the %s: %w", kind, err)
		}
		all[kind] = p
	}
	return all, nil
}

// maxLocks bounds what is read of the locks attached to one digest, in bytes.
const maxLocks = 64 << 20

func (r Reader) publishedLock(ctx context.Context, repository string) (p PublishedLock, err error) {
	store, _, err := registry.Open(repository, r.Registry)
	if err != nil {
		return p, err
	}
	m, err := registry.Resolve(ctx, store, registry.Tag)
	if err != nil {
		return p, err
	}
	p.Ref = store.Name() + "@" + m.Digest.String()
	referrers, err := store.Referrers(ctx, m.Digest)
	if err != nil {
		return p, err
	}
	why := errors.New("none is attached")
	for bundle, err := range publish.ReadAttached(ctx, store, referrers, []string{intoto.LockType}, maxLocks) {
		if err != nil {
			return p, err
		}
		v, err := attest.Verify(ctx, bundle.JSON, attest.Want{
			Digest: m.Digest.String(), PredicateType: intoto.LockType, Signers: r.Policy.Verify.SignedBy, Dir: r.Policy.Dir, TUF: r.TUF, Now: time.Now(),
		})
		if fault.KindOf(err) == fault.Policy {
			why = err
			continue
		}
		if err != nil {
			return p, err
		}
		p.Lock, err = intoto.StatedLock(v.Predicate)
		return p, err // one digest is made from one lock
	}
	return p, fault.New(fault.Policy, "no lock in %s counts: %w", p.Ref, why)
}
