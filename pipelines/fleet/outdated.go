package fleet

import (
	"context"
	"strings"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines"
)

// Standing is how one app stands to what is beneath it.
type Standing struct {
	App     app.App
	Lock    *lock.Lock
	Changes []update.Change
	// Undecided says what of the packages only apt's resolver can say.
	Undecided []string
	// Unknown lists what could not be read.
	Unknown []update.Unknown
}

// Outdated compares the locks of apps with the world. Nothing is built,
// unpacked or written but the state that is kept between looks.
func (f Fleet) Outdated(ctx context.Context, apps []app.App) ([]Standing, error) {
	var all []Standing
	for _, a := range apps {
		l, err := lock.Read(pipelines.LockPath(a))
		if err != nil {
			return nil, err
		}
		_, arch, _ := strings.Cut(l.Platform, "/")
		w, err := f.world(ctx, suiteOf(l), arch)
		if err != nil {
			return nil, err
		}
		s := Standing{App: a, Lock: l}
		for _, source := range w.Sources {
			if source.Err != nil {
				s.Unknown = append(s.Unknown, update.Unknown{What: source.Archive.Suite, Why: source.Err.Error(), Since: f.Now()})
			}
		}
		s.Changes, s.Undecided = w.packages(l)
		all = append(all, s)
	}
	return all, nil
}

// suiteOf is the release that a lock was made for: its archives are in the
// order of preference.
func suiteOf(l *lock.Lock) string {
	if len(l.Archives) == 0 {
		return ""
	}
	return l.Archives[0].Suite
}
