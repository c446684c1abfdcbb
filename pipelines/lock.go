package pipelines

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/templates"
)

// LockPath returns the path of an app's lock: beside the app file, with
// ".lock" for the file's extension.
func LockPath(a app.App) string {
	return strings.TrimSuffix(a.Path, filepath.Ext(a.Path)) + ".lock"
}

// LockOptions narrow how a lock is made.
type LockOptions struct {
	// Rollback takes an index that is older than the old lock's, and packages
	// that are; the lock says so.
	Rollback bool
}

// Lock resolves an app against the archive as it is now and writes its lock,
// unless the packages are those that the old lock has. It returns the lock
// that counts and what changed. On an error the old lock stays; going back to
// what is older than it is one.
func (k Kitchen) Lock(ctx context.Context, a app.App, o LockOptions) (*lock.Lock, []lock.Change, error) {
	old, err := readLock(a)
	if err != nil && fault.KindOf(err) != fault.Invalid {
		return nil, nil, err
	}
	fresh, changes, err := k.relock(ctx, a, old, o, nil)
	if err != nil || fresh == old {
		return fresh, changes, err
	}
	return fresh, changes, lock.Write(LockPath(a), fresh)
}

// relock resolves an app as the archive is now, but for packages that are kept
// at a version, and returns the old lock where that changes nothing. It writes
// nothing.
func (k Kitchen) relock(ctx context.Context, a app.App, old *lock.Lock, o LockOptions, keep map[string]string) (*lock.Lock, []lock.Change, error) {
	since := debian.Since{Rollback: o.Rollback}
	if old != nil {
		since.Archives = old.Archives
	}
	fresh, err := k.resolve(ctx, a, since, keep)
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

// locked returns the lock that a build uses: the one that is there, made anew
// only where it does not fit the app file. Frozen refuses to write one.
func (k Kitchen) locked(ctx context.Context, a app.App, o BuildOptions) (*lock.Lock, error) {
	l, err := readLock(a)
	if err != nil {
		return nil, err
	}
	files, err := k.files(a)
	if err != nil {
		return nil, err
	}
	reason, err := stale(l, a, k.Platform, files)
	if err != nil {
		return nil, err
	}
	switch {
	case reason == "":
		return l, nil
	case o.Frozen:
		return nil, fault.Hint(fault.New(fault.Invalid, "%s: the lock may not change (--frozen), but %s", LockPath(a), reason),
			"run: bakelite lock %s", a.Path)
	case reason == reasonFiles:
		if err := k.relist(ctx, a, l, files); err != nil {
			return nil, err
		}
		return l, lock.Write(LockPath(a), l)
	}
	l, _, err = k.Lock(ctx, a, LockOptions{Rollback: o.Rollback})
	return l, err
}

const reasonFiles = "the app's own files changed"

// relist gives a lock the app's files as they are now. Images that a changed
// Dockerfile still names stay what they were.
func (k Kitchen) relist(ctx context.Context, a app.App, l *lock.Lock, files []lock.File) (err error) {
	dockerfile := func(f lock.File) bool { return f.Path == path.Clean(a.Base.Dockerfile) }
	before, after := slices.IndexFunc(l.Files, dockerfile), slices.IndexFunc(files, dockerfile)
	if after >= 0 && (before < 0 || l.Files[before] != files[after]) {
		l.Images, err = k.images(ctx, a, l)
	}
	l.Files = files
	return err
}

// stale says why a lock does not fit the app file, or "".
func stale(l *lock.Lock, a app.App, platform string, files []lock.File) (string, error) {
	switch {
	case l == nil:
		return "there is none", nil
	case l.App != a.Name:
		return "it is of the app " + l.App, nil
	case l.Platform != platform:
		return "it is for " + l.Platform, nil
	case l.Distribution == nil:
		return "an older version made it, without what images are compared with", nil
	case l.Inputs != inputs(a):
		return "the app file asks for other packages", nil
	}
	if a.Base.Image != "" {
		digest, err := pinned(a)
		if err != nil || l.Base == nil || l.Base.Ref != a.Base.Image || digest != "" && digest != l.Base.Digest {
			return "the base image is another one", err
		}
	}
	if !slices.Equal(l.Files, files) {
		return reasonFiles, nil
	}
	return "", nil
}

func readLock(a app.App) (*lock.Lock, error) {
	l, err := lock.Read(LockPath(a))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return l, fault.Hint(err, "restore the lock from version control, or remove it and run: bakelite lock %s", a.Path)
}

// buildTable lists the packages that every Dockerfile's build has.
const buildTable = "rootfs/build-packages.txt"

// tables are the package lists of templates that decide what a lock of an app
// holds.
func tables(a app.App) []string {
	all := []string{"machine/packages.txt", "machine/admin-packages.txt", "machine/tools.txt"}
	if a.Base.Dockerfile != "" {
		all = append(all, buildTable)
	}
	return all
}

// inputs is the digest of what decides the packages: the app file's part and
// Bakelite's own lists.
func inputs(a app.App) string {
	hash := sha256.New()
	_, _ = io.WriteString(hash, app.LockInputs(a))
	for _, name := range tables(a) {
		_, _ = io.WriteString(hash, strings.Join(templates.Lines(name), " "))
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}

// resolve pins everything that an app means today; packages that are kept stay
// at their version.
func (k Kitchen) resolve(ctx context.Context, a app.App, since debian.Since, keep map[string]string) (*lock.Lock, error) {
	files, err := k.files(a)
	if err != nil {
		return nil, err
	}
	l := &lock.Lock{
		APIVersion: lock.APIVersion, Kind: lock.Kind, App: a.Name, Bakelite: k.Version,
		Platform: k.Platform, Inputs: inputs(a), Files: files,
	}
	_, arch, _ := strings.Cut(k.Platform, "/")
	r := resolver{client: k.Archive, keep: keep}
	suite := a.Base.Debian
	if a.Base.Image != "" {
		base, err := k.inspect(ctx, a)
		if err != nil {
			return nil, err
		}
		l.Base, suite, r.image, l.Packages.Image = &base.image, base.suite, base.status, base.installed
	}
	if err := k.judgeArchives(a, debian.Archives(suite)); err != nil {
		return nil, err
	}
	if l.Images, err = k.images(ctx, a, &lock.Lock{}); err != nil {
		return nil, err
	}
	err = k.Progress.Do(ctx, "[lock] verify the archive's index for "+suite, func(ctx context.Context, _ io.Writer) (bool, error) {
		r.snapshot, err = k.Archive.Current(ctx, suite, arch, since)
		return false, err
	})
	if err != nil {
		return nil, err
	}
	l.Archives, l.Distribution = r.snapshot.Archives, &r.snapshot.Distribution
	err = k.Progress.Do(ctx, "[lock] unpack apt", func(ctx context.Context, _ io.Writer) (_ bool, err error) {
		l.Packages.Seed, r.seed, err = r.client.PrepareSeed(ctx, r.snapshot)
		return false, err
	})
	if err != nil {
		return nil, err
	}
	err = k.Progress.Do(ctx, "[lock] resolve packages of "+a.Name, func(ctx context.Context, _ io.Writer) (bool, error) {
		return false, r.layers(ctx, a, &l.Packages)
	})
	return l, fault.Hint(err, "%s asks for these packages; the old lock is unchanged", a.Path)
}

// resolver is apt at work on one snapshot.
type resolver struct {
	client   *debian.Client
	image    []byte // the dpkg status of the base image, where there is one
	keep     map[string]string
	snapshot *debian.Snapshot
	seed     debian.Seed
}

// resolve returns what names add to the base image, if any, and to the pins.
func (r *resolver) resolve(ctx context.Context, pins []lock.Pin, names []string) ([]lock.Pin, error) {
	return r.client.Resolve(ctx, r.snapshot, r.seed, debian.Installed{Status: r.image, Pins: pins, Keep: r.keep}, names)
}

func (r *resolver) layers(ctx context.Context, a app.App, l *lock.Layers) (err error) {
	if r.image == nil {
		if l.Base, err = r.resolve(ctx, nil, debian.Essential(r.snapshot)); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		if l.App, err = r.resolve(ctx, l.Base, a.Packages); err != nil {
			return err
		}
		l.Build, err = r.resolve(ctx, slices.Concat(l.Base, l.App), buildPackages(a))
		return err
	})
	group.Go(func() (err error) {
		l.Tools, err = r.client.Resolve(ctx, r.snapshot, r.seed, debian.Installed{Pins: l.Seed, Keep: r.keep}, templates.Lines("machine/tools.txt"))
		return err
	})
	group.Go(func() (err error) {
		names, err := machinePackages(a, r.snapshot)
		if err != nil {
			return err
		}
		if l.Machine, err = r.resolve(ctx, l.Base, names); err != nil {
			return err
		}
		if l.MachineApp, err = r.resolve(ctx, slices.Concat(l.Base, l.Machine), a.Packages); err != nil {
			return err
		}
		l.MachineBuild, err = r.resolve(ctx, slices.Concat(l.Base, l.Machine, l.MachineApp), buildPackages(a))
		return err
	})
	return group.Wait()
}

// buildPackages are those that a Dockerfile's build alone has.
func buildPackages(a app.App) []string {
	if a.Base.Dockerfile == "" {
		return nil
	}
	return slices.Concat(templates.Lines(buildTable), a.Building)
}

// machinePackages are those of the disk; of what only one package can be, such
// as the one that sets the clock, the app's own takes the place of ours.
func machinePackages(a app.App, s *debian.Snapshot) ([]string, error) {
	own := slices.Concat(a.Packages, a.VM.Packages)
	var names []string
	for _, name := range templates.Lines("machine/packages.txt") {
		rivals, err := s.Rivals(name, own)
		if err != nil {
			return nil, err
		}
		if !rivals {
			names = append(names, name)
		}
	}
	names = append(append(names, cmp.Or(a.VM.Kernel, "linux-image-cloud-"+s.Arch)), a.VM.Packages...)
	if a.VM.Admin != nil {
		names = append(names, templates.Lines("machine/admin-packages.txt")...)
	}
	return names, nil
}

// seedLayout makes the OCI layout of a lock's seed, where none that this state
// folder's key vouches for is there yet, and returns its folder.
func (k Kitchen) seedLayout(ctx context.Context, l *lock.Lock) (dir string, err error) {
	hash := sha256.New()
	for _, pin := range l.Packages.Seed {
		_, _ = io.WriteString(hash, pin.SHA256)
	}
	dir = filepath.Join(k.State, "seed", hex.EncodeToString(hash.Sum(nil)[:16]))
	done, err := k.Vouch.Use(ctx, vouch.Layout, filepath.Base(dir), dir)
	if err == nil {
		done() // it is among the newest now, and those stay
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	err = k.Progress.Do(ctx, "[seed] make the first system from its packages", func(ctx context.Context, _ io.Writer) (bool, error) {
		return false, k.makeSeed(ctx, l, dir)
	})
	return dir, err
}

func (k Kitchen) makeSeed(ctx context.Context, l *lock.Lock, dir string) error {
	if err := k.Archive.Fetch(ctx, l.Packages.Seed, nil); err != nil {
		return err
	}
	beside, err := cache.New(filepath.Dir(dir), "work-")
	if err != nil {
		return err
	}
	defer beside.Close()
	if err := writeSeed(ctx, k, l, beside.Path); err != nil {
		return err
	}
	if err := k.Vouch.NoteTree(ctx, vouch.Layout, filepath.Base(dir), beside.Path); err != nil {
		return err
	}
	if err := beside.Rename(dir); err != nil {
		return err
	}
	cache.Trim(filepath.Dir(dir), keptSeeds, "work-")
	return nil
}

// keptSeeds is how many seeds stay; there is one for each state of apt and
// dpkg in the archives.
const keptSeeds = 16
