package fleet

import (
	"context"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/pin"
)

// Options say what is compared with what.
type Options struct {
	// Published compares the lock of what is published, not the one beside the
	// app file.
	Published bool
	// WithoutAdvisories asks for no known vulnerabilities; apps whose policy
	// asks what a change fixes are then unknown.
	WithoutAdvisories bool
	// Rollback takes an archive that is older than the locks, and packages that
	// are: somebody wants to go back.
	Rollback bool
	// Build, where set, asks whether all of it is built too.
	Build *bake.Options
}

// Standing is how one app stands to what is beneath it.
type Standing struct {
	App app.App
	// Artifact is the reference whose lock was compared, "" for that beside the
	// app file.
	Artifact string
	// Lock is nil where there is none, LockDigest then "".
	Lock       *lock.Lock
	LockDigest string
	// Err says why the app cannot be judged at all: a lock that is none.
	Err error
	// Archives are the indexes that it was compared with.
	Archives []lock.Archive
	Changes  []update.Change
	// Undecided says what of the packages only apt's resolver can say.
	Undecided []string
	Unknown   []update.Unknown
	// Advisories are the known vulnerabilities of what the lock has.
	Advisories []Advisory
	// Failed is the last rebuild, where it failed.
	Failed   *Attempt
	Decision update.Decision

	facts update.Facts
}

// Outdated says how apps stand to the archives, images and advisories of
// today. Nothing is built or unpacked, and nothing written but what the next
// look is told. What cannot be read makes an app unknown, and is no error.
func (f Fleet) Outdated(ctx context.Context, apps []app.App, o Options) ([]Standing, error) {
	m := f.recall()
	all, err := f.read(ctx, apps, o)
	if err != nil {
		return nil, err
	}
	worlds, err := f.worlds(ctx, all, o.Rollback)
	if err != nil {
		return nil, err
	}
	images := f.images(ctx, all)
	for i := range all {
		all[i].facts.Rollback = o.Rollback
		all[i].compare(worlds[i], images)
	}
	f.revocations(ctx, all)
	known := f.advise(ctx, all, worlds, o)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := f.Now().UTC().Truncate(time.Second)
	for i := range all {
		s := &all[i]
		s.advised(known, m, s.App.Update.Policy(f.Policy).AsksForAdvisories(), now)
		s.since(m, now)
		s.decide(f, m, now)
	}
	f.announce(m, all, now)
	return all, f.remember(func(m *memory) { m.learn(all, known, now) })
}

// decide asks what all of it means.
func (s *Standing) decide(f Fleet, m memory, now time.Time) {
	if s.Err != nil {
		return
	}
	update.Sort(s.Changes)
	s.facts.UnknownLimit = f.UnknownLimit
	if s.Lock != nil {
		s.facts.LockDate = s.Lock.Epoch()
		s.facts.CurrentAt = m.Current[s.LockDigest]
	} else {
		s.facts.LockDate = now
	}
	s.Decision = update.Decide(update.Question{
		Changes: s.Changes, Unknown: s.Unknown, Facts: s.facts, Policy: s.App.Update.Policy(f.Policy), Now: now,
	})
	if failed, ok := m.Failed[s.App.Path]; ok && s.Decision.Action != update.Current {
		s.Failed = &failed
	}
}

// compare says what of the lock is no longer so.
func (s *Standing) compare(w *world, images map[string]imageNow) {
	if s.Err != nil || s.Lock == nil || w == nil {
		return
	}
	for i, source := range w.Sources {
		if source.Archive.InRelease != "" {
			s.Archives = append(s.Archives, source.Archive)
		}
		if err := w.doubt(i, s.Lock, s.facts.Rollback); err != nil {
			s.Unknown = append(s.Unknown, unknown(source.Archive.Suite, err))
		}
	}
	packages, undecided := w.packages(s.Lock)
	if len(packages) == 0 && len(undecided) > 0 {
		// Nothing in the archive has moved, so it is the lock that has.
		s.Changes = append(s.Changes, update.Change{Kind: update.Asked, Name: pin.Path(s.App), Why: "the lock does not hold together: " + undecided[0]})
	}
	s.Changes, s.Undecided = append(s.Changes, packages...), undecided
	s.facts.Keepable = w.keepable(packages)
	s.compareImages(images)
}

// doubt says why a suite tells nothing of what is new: it could not be read, or
// what was read is older than what the lock was made from and nobody asked for
// that.
func (w *world) doubt(suite int, l *lock.Lock, rollback bool) error {
	source := w.Sources[suite]
	if source.Err != nil || rollback {
		return source.Err
	}
	for _, a := range l.Archives {
		if a.Name == source.Archive.Name && a.Suite == source.Archive.Suite && source.Archive.Date.Before(a.Date) {
			return fault.New(fault.Integrity, "the index of %s %s has the date %s, and the lock is from %s: a stale mirror or a rollback attack",
				a.Name, a.Suite, source.Archive.Date.Format(time.RFC3339), a.Date.Format(time.RFC3339))
		}
	}
	return nil
}

func unknown(what string, err error) update.Unknown {
	return update.Unknown{What: what, Why: err.Error(), Broken: fault.KindOf(err) == fault.Integrity}
}

// since fills in when what is unknown began to be.
func (s *Standing) since(m memory, now time.Time) {
	for i, u := range s.Unknown {
		if s.Unknown[i].Since = m.Unknown[u.What]; s.Unknown[i].Since.IsZero() {
			s.Unknown[i].Since = now
		}
	}
}

// learn keeps what the next look is told.
func (m *memory) learn(all []Standing, known advice, now time.Time) {
	unknown := map[string]time.Time{}
	for _, s := range all {
		for _, u := range s.Unknown {
			unknown[u.What] = u.Since
		}
		for _, what := range append(movable(s), s.suites()...) {
			delete(m.Unknown, what)
		}
	}
	if known.by != nil {
		delete(m.Unknown, database)
	}
	for what, since := range unknown {
		m.Unknown[what] = since
	}
	for _, s := range all {
		if s.Decision.Action == update.Current && s.Lock != nil && s.Artifact == "" {
			if now.Sub(m.Current[s.LockDigest]) > time.Hour {
				m.Current[s.LockDigest] = now
			}
		}
	}
	known.learn(m, now)
}

// suites are those that the lock was compared with.
func (s Standing) suites() []string {
	var names []string
	for _, a := range s.Archives {
		names = append(names, a.Suite)
	}
	return names
}

// suiteOf is the release that a lock was made for: its archives are in the
// order of preference.
func suiteOf(l *lock.Lock) (suite, arch string) {
	_, arch, _ = strings.Cut(l.Platform, "/")
	if len(l.Archives) > 0 {
		suite = l.Archives[0].Suite
	}
	return suite, arch
}
