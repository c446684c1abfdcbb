package fleet

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
)

// revocation is what was said of an image, or why nobody could be asked.
type revocation struct {
	why []string
	err error
}

// revocations adds which images of the locks were revoked, each asked for once.
// Layouts of this machine are an app's own results, which nobody revokes.
func (f Fleet) revocations(ctx context.Context, all []Standing) {
	if f.Revoked == nil {
		return
	}
	asked := map[lock.Image]*revocation{}
	var group errgroup.Group
	group.SetLimit(parallelImages)
	for _, s := range all {
		for _, i := range s.images() {
			if asked[i] != nil || strings.HasPrefix(i.Ref, app.LayoutPrefix) {
				continue
			}
			r := &revocation{}
			asked[i] = r
			group.Go(func() error {
				r.why, r.err = f.Revoked(ctx, i.Ref, i.Digest)
				return nil
			})
		}
	}
	_ = group.Wait() // what failed says so itself
	for n := range all {
		for _, i := range all[n].images() {
			all[n].revoked(i, asked[i])
		}
	}
}

func (s *Standing) revoked(i lock.Image, r *revocation) {
	switch {
	case r == nil || errors.Is(r.err, context.Canceled):
	case r.err != nil:
		s.Unknown = append(s.Unknown, unknown(i.Ref, r.err))
	case len(r.why) > 0:
		s.Changes = append(s.Changes, update.Change{
			Kind: update.Revoked, Name: i.Ref, From: i.Digest, Why: i.Ref + " is revoked: " + strings.Join(r.why, "; "), In: []string{update.Container, update.Disk},
		})
	}
}

// images are those that the lock stands on.
func (s *Standing) images() []lock.Image {
	switch {
	case s.Err != nil || s.Lock == nil:
		return nil
	case s.Lock.Base != nil:
		return append([]lock.Image{*s.Lock.Base}, s.Lock.Images...)
	}
	return s.Lock.Images
}
