package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/pin"
)

// read reads the lock of each app, or of what is published of it, and what
// the app's owner changed since. The archives are asked meanwhile.
func (f Fleet) read(ctx context.Context, apps []app.App, o Options) ([]Standing, error) {
	each := make([][]Standing, len(apps))
	locks, ahead := &lock.Reader{}, &ahead{fleet: f, rollback: o.Rollback}
	defer ahead.archives.Wait()
	var group errgroup.Group
	group.SetLimit(max(1, f.Jobs))
	for i, a := range apps {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if o.Published {
				each[i] = f.readPublished(ctx, a)
				return nil
			}
			s := Standing{App: a}
			s.Err = f.readLocked(&s, locks, o)
			ahead.ask(ctx, s.Lock)
			each[i] = []Standing{s}
			return nil
		})
	}
	err := group.Wait()
	return slices.Concat(each...), err
}

// ahead asks for the releases that locks are of while other locks are read; the
// archive keeps its answers, and worlds says what failed.
type ahead struct {
	fleet    Fleet
	rollback bool
	asked    sync.Map // by release
	archives sync.WaitGroup
}

func (h *ahead) ask(ctx context.Context, l *lock.Lock) {
	if l == nil {
		return
	}
	suite, arch := suiteOf(l)
	if _, asked := h.asked.LoadOrStore([2]string{suite, arch}, true); !asked {
		h.archives.Go(func() { _, _ = h.fleet.Archive.Now(ctx, suite, arch, h.rollback) })
	}
}

func (f Fleet) readLocked(s *Standing, locks *lock.Reader, o Options) error {
	path := pin.Path(s.App)
	l, err := locks.Read(path)
	if fault.KindOf(err) == fault.Missing {
		s.Changes = []update.Change{{Kind: update.Unbuilt, Name: s.App.Name, Why: "it was never locked"}}
		return nil
	}
	if err != nil {
		return err
	}
	s.Lock, s.LockDigest = l, l.Digest()
	drift, err := f.Baker.Drift(s.App, l, o.Build)
	if err != nil {
		return err
	}
	s.drifted(drift, o.Build != nil, f.Version)
	return nil
}

// drifted adds what the owner changed, and what is not built. That nothing was
// built here is no news where nothing is to be built.
func (s *Standing) drifted(d bake.Drift, building bool, version string) {
	add := func(c update.Change) { s.Changes = append(s.Changes, c) }
	if d.Asked != "" {
		add(update.Change{Kind: update.Asked, Name: s.App.Path, Why: d.Asked})
	}
	if d.Base != "" {
		add(update.Change{Kind: update.Image, Name: s.Lock.Base.Ref, From: s.Lock.Base.Digest, To: d.Base, In: []string{update.Container, update.Disk}})
	}
	for _, file := range d.Files {
		add(update.Change{Kind: update.Files, Name: file, Why: file + " changed", In: []string{update.Container, update.Disk}})
	}
	if d.Unbuilt != "" && building {
		add(update.Change{Kind: update.Unbuilt, Name: s.App.Name, Why: d.Unbuilt})
	}
	if d.Recipe != "" {
		c := update.Change{Kind: update.Recipe, Name: "bakelite", From: d.Recipe, To: version, In: []string{update.Container, update.Disk}}
		if c.From == c.To {
			c.Why = "the app file or Bakelite's recipe would now give something else"
		}
		add(c)
	}
}

// readPublished reads the locks attested for what is published, one standing
// for each.
func (f Fleet) readPublished(ctx context.Context, a app.App) []Standing {
	locks, err := f.Reader.Published(ctx, a)
	if err != nil {
		what := "what is published of " + a.Name
		if kind := fault.KindOf(err); kind == fault.Network {
			return []Standing{{App: a, Unknown: []update.Unknown{unknown(what, err)}}}
		}
		return []Standing{{App: a, Err: fmt.Errorf("reading %s: %w", what, err)}}
	}
	if len(locks) == 0 {
		return []Standing{{App: a, Changes: []update.Change{{Kind: update.Unbuilt, Name: a.Name, Why: "nothing of it is published"}}}}
	}
	// Both kinds are made from one lock, unless one of them could not be sent.
	var all []Standing
	for _, kind := range slices.Sorted(maps.Keys(locks)) {
		p := locks[kind]
		digest := p.Lock.Digest()
		if n := slices.IndexFunc(all, func(s Standing) bool { return s.LockDigest == digest }); n >= 0 {
			all[n].Artifact += " " + p.Ref
			continue
		}
		s := Standing{App: a, Artifact: p.Ref, Lock: &p.Lock, LockDigest: digest}
		if p.Lock.Bakelite != f.Version {
			s.Changes = append(s.Changes, update.Change{Kind: update.Recipe, Name: "bakelite", From: p.Lock.Bakelite, To: f.Version})
		}
		all = append(all, s)
	}
	return all
}

// worlds are the releases that the locks were made for, each read once.
func (f Fleet) worlds(ctx context.Context, all []Standing, rollback bool) ([]*world, error) {
	type release struct{ suite, arch string }
	read := map[release]*world{}
	worlds := make([]*world, len(all))
	for i := range all {
		s := &all[i]
		if s.Err != nil || s.Lock == nil {
			continue
		}
		var r release
		r.suite, r.arch = suiteOf(s.Lock)
		if _, known := read[r]; !known {
			w, err := f.world(ctx, r.suite, r.arch, rollback)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				s.Err = fmt.Errorf("%s: %w", pin.Path(s.App), err)
				continue
			}
			read[r] = w
		}
		worlds[i] = read[r]
	}
	return worlds, nil
}

// imageNow is what a reference names now.
type imageNow struct {
	digest string
	err    error
}

// images asks what the references of all locks name now, each once; one with a
// digest always names the same.
func (f Fleet) images(ctx context.Context, all []Standing) map[string]imageNow {
	asked := map[string]imageNow{}
	for _, s := range all {
		for _, ref := range movable(s) {
			asked[ref] = imageNow{}
		}
	}
	var group errgroup.Group
	group.SetLimit(parallelImages)
	refs := slices.Sorted(maps.Keys(asked))
	found := make([]imageNow, len(refs))
	for i, ref := range refs {
		group.Go(func() error {
			found[i].digest, found[i].err = f.Reader.Digest(ctx, ref)
			return nil
		})
	}
	_ = group.Wait() // what failed says so itself
	for i, ref := range refs {
		asked[ref] = found[i]
	}
	return asked
}

// parallelImages is how many references are asked for at a time.
const parallelImages = 8

// movable are the references of a lock that may come to name something else.
func movable(s Standing) []string {
	var refs []string
	for _, i := range s.images() {
		if !strings.Contains(i.Ref, "@") && !strings.HasPrefix(i.Ref, app.LayoutPrefix) {
			refs = append(refs, i.Ref)
		}
	}
	return refs
}

// compareImages says which references name something else now.
func (s *Standing) compareImages(now map[string]imageNow) {
	for _, i := range s.images() {
		found, asked := now[i.Ref]
		switch {
		case !asked || found.digest == i.Digest:
		case errors.Is(found.err, context.Canceled):
		case found.err != nil:
			s.Unknown = append(s.Unknown, unknown(i.Ref, found.err))
		default:
			s.Changes = append(s.Changes, update.Change{Kind: update.Image, Name: i.Ref, From: i.Digest, To: found.digest, In: []string{update.Container, update.Disk}})
		}
	}
}
