package pin

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/templates"
)

// resolve pins everything that an app means today; packages that are kept stay
// at their version.
func (l Locker) resolve(ctx context.Context, a app.App, since debian.Since, keep map[string]string) (*lock.Lock, error) {
	files, err := l.Excluded.Files(a)
	if err != nil {
		return nil, err
	}
	fresh := &lock.Lock{
		APIVersion: lock.APIVersion, Kind: lock.Kind, App: a.Name, Bakelite: l.Version,
		Platform: l.Platform, Inputs: Inputs(a), Files: files,
	}
	_, arch, _ := strings.Cut(l.Platform, "/")
	r := resolver{archive: l.Archive, keep: keep}
	suite := a.Base.Debian
	if a.Base.Image != "" {
		base, err := l.base(ctx, a)
		if err != nil {
			return nil, err
		}
		fresh.Base, suite, r.image, fresh.Packages.Image = &base.image, base.suite, base.status, base.installed
	}
	if err := l.judgeArchives(a, debian.Archives(suite)); err != nil {
		return nil, err
	}
	if fresh.Images, err = l.images(ctx, a, &lock.Lock{}); err != nil {
		return nil, err
	}
	r.snapshot, err = progress.Do(ctx, "[lock] verify the archive's index for "+suite, func(ctx context.Context, _ io.Writer) (*debian.Snapshot, error) {
		return l.Archive.Current(ctx, suite, arch, since)
	})
	if err != nil {
		return nil, err
	}
	fresh.Archives, fresh.Distribution = r.snapshot.Archives, &r.snapshot.Distribution
	err = progress.Run(ctx, "[lock] unpack apt", func(ctx context.Context, _ io.Writer) (err error) {
		fresh.Packages.Seed, r.seed, err = r.archive.PrepareSeed(ctx, r.snapshot)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = progress.Run(ctx, "[lock] resolve packages of "+a.Name, func(ctx context.Context, _ io.Writer) error {
		return r.layers(ctx, a, &fresh.Packages)
	})
	return fresh, fault.Hint(err, "%s asks for these packages; the old lock is unchanged", a.Path)
}

// resolver is apt at work on one snapshot.
type resolver struct {
	archive  Archive
	image    []byte // the dpkg status of the base image, where there is one
	keep     map[string]string
	snapshot *debian.Snapshot
	seed     debian.Seed
}

// resolve returns what names add to the base image, if any, and to the pins.
func (r *resolver) resolve(ctx context.Context, pins []lock.Pin, names []string) ([]lock.Pin, error) {
	return r.archive.Resolve(ctx, r.snapshot, r.seed, debian.Installed{Status: r.image, Pins: pins, Keep: r.keep}, names)
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
		l.Tools, err = r.archive.Resolve(ctx, r.snapshot, r.seed, debian.Installed{Pins: l.Seed, Keep: r.keep}, templates.Lines("machine/tools.txt"))
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
