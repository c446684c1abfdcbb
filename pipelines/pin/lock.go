// Package pin is the flow that pins all that an app means today: App to Lock.
// It reads archives and images and runs nothing of an app; it writes nothing
// but the lock.
package pin

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/policy"
)

// Locker locks apps.
type Locker struct {
	// Version is Bakelite's own, Platform what is locked for: "linux/amd64".
	Version, Platform string
	Archive           Archive
	// Engine opens the build engine; it is called only where a base image or a
	// Dockerfile has to be read.
	Engine func(ctx context.Context) (Engine, error)
	// Policy judges what is stood on, Judge each image of that.
	Policy policy.Policy
	Judge  engine.JudgeImage
	// Excluded are what is no part of an app.
	Excluded Excluded
}

// Archive is the distribution's package archive.
type Archive interface {
	// Current verifies the archive's indexes as they are now.
	Current(ctx context.Context, suite, arch string, since debian.Since) (*debian.Snapshot, error)
	// PrepareSeed unpacks the resolver, and says which packages it is.
	PrepareSeed(ctx context.Context, s *debian.Snapshot) ([]lock.Pin, debian.Seed, error)
	// Resolve says which packages names add to those that are installed.
	Resolve(ctx context.Context, s *debian.Snapshot, seed debian.Seed, installed debian.Installed, names []string) ([]lock.Pin, error)
}

// Engine is the build engine as a reader of what an app stands on. Its own
// part of a session is the Engine.
type Engine interface {
	// ReadBase puts os-release and dpkg's status of a base image into dir.
	ReadBase(ctx context.Context, g rootfs.Graph, s engine.Session, dir string) error
	// JudgeDockerfile judges each image that a Dockerfile in a folder names.
	JudgeDockerfile(ctx context.Context, s engine.Session, folder, name string, bases []string) error
	Close() error
}

// Path returns the path of an app's lock: beside the app file, with ".lock"
// for the file's extension.
func Path(a app.App) string {
	return strings.TrimSuffix(a.Path, filepath.Ext(a.Path)) + ".lock"
}

// Options narrow how a lock is made.
type Options struct {
	// Rollback takes an index that is older than the old lock's, and packages
	// that are; the lock says so.
	Rollback bool
	// Keep are versions that packages stay at, by name.
	Keep map[string]string
}

// Lock resolves an app against the archive as it is now and writes its lock,
// unless the packages are those that the old lock has. It returns the lock
// that counts and what changed. On an error the old lock stays; going back to
// what is older than it is one.
func (l Locker) Lock(ctx context.Context, a app.App, o Options) (*lock.Lock, []lock.Change, error) {
	old, err := Replaced(a)
	if err != nil {
		return nil, nil, err
	}
	fresh, changes, err := l.Relock(ctx, a, old, o)
	if err != nil || fresh == old {
		return fresh, changes, err
	}
	return fresh, changes, lock.Write(Path(a), fresh)
}

// Relock resolves an app as the archive is now, and returns the old lock where
// that changes nothing. It writes nothing.
func (l Locker) Relock(ctx context.Context, a app.App, old *lock.Lock, o Options) (*lock.Lock, []lock.Change, error) {
	since := debian.Since{Rollback: o.Rollback}
	if old != nil {
		since.Archives = old.Archives
	}
	fresh, err := l.resolve(ctx, a, since, o.Keep)
	if err != nil {
		return nil, nil, err
	}
	changes := lock.Diff(old, fresh)
	markDowngrades(changes)
	fresh.Rollback = wentBack(old, fresh, changes)
	if len(fresh.Rollback) > 0 && !o.Rollback {
		return nil, nil, refuseRollback(a, fresh.Rollback)
	}
	if old != nil && len(changes) == 0 {
		// The same packages: keep the date that they had, and how they came.
		fresh.Archives, fresh.Rollback = old.Archives, old.Rollback
		if old.Digest() == fresh.Digest() {
			return old, nil, nil
		}
	}
	return fresh, changes, nil
}

// Locked returns the lock that a build uses: the one that is there, made anew
// only where it does not fit the app file. Frozen refuses to write one.
func (l Locker) Locked(ctx context.Context, a app.App, frozen bool, o Options) (*lock.Lock, error) {
	old, err := read(a)
	if err != nil {
		return nil, err
	}
	files, err := l.Excluded.Files(a)
	if err != nil {
		return nil, err
	}
	reason, err := stale(old, a, l.Platform, files)
	if err != nil {
		return nil, err
	}
	switch {
	case reason == "":
		return old, nil
	case frozen:
		return nil, fault.Hint(fault.New(fault.Invalid, "%s: the lock may not change (--frozen), but %s", Path(a), reason),
			"run: bakelite lock %s", a.Path)
	case reason == reasonFiles:
		if err := l.relist(ctx, a, old, files); err != nil {
			return nil, err
		}
		return old, lock.Write(Path(a), old)
	}
	fresh, _, err := l.Lock(ctx, a, o)
	return fresh, err
}

// relist gives a lock the app's files as they are now. Images that a changed
// Dockerfile still names stay what they were.
func (l Locker) relist(ctx context.Context, a app.App, old *lock.Lock, files []lock.File) (err error) {
	dockerfile := func(f lock.File) bool { return f.Path == path.Clean(a.Base.Dockerfile) }
	before, after := slices.IndexFunc(old.Files, dockerfile), slices.IndexFunc(files, dockerfile)
	if after >= 0 && (before < 0 || old.Files[before] != files[after]) {
		old.Images, err = l.images(ctx, a, old)
	}
	old.Files = files
	return err
}

// Replaced reads the lock that a new one takes the place of: nil where there
// is none, or what is there is no lock.
func Replaced(a app.App) (*lock.Lock, error) {
	old, err := read(a)
	if fault.KindOf(err) == fault.Invalid {
		return old, nil
	}
	return old, err
}

// read reads an app's lock, nil where there is none.
func read(a app.App) (*lock.Lock, error) {
	l, err := lock.Read(Path(a))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return l, fault.Hint(err, "restore the lock from version control, or remove it and run: bakelite lock %s", a.Path)
}
