package pin

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/templates"
)

// asking notes what apt is asked for, by the first name: what is installed
// already, and what is wanted.
type asking struct {
	Archive
	mu    sync.Mutex
	all   []asked
	since debian.Since
}

// Current notes what the index is compared with.
func (a *asking) Current(ctx context.Context, suite, arch string, since debian.Since) (*debian.Snapshot, error) {
	a.since = since
	return a.Archive.Current(ctx, suite, arch, since)
}

type asked struct {
	installed debian.Installed
	names     []string
}

// PrepareSeed is a seed of one package.
func (a *asking) PrepareSeed(ctx context.Context, s *debian.Snapshot) ([]lock.Pin, debian.Seed, error) {
	_, seed, err := a.Archive.PrepareSeed(ctx, s)
	return []lock.Pin{flowtest.Pin("apt", "1")}, seed, err
}

func (a *asking) Resolve(ctx context.Context, s *debian.Snapshot, seed debian.Seed, installed debian.Installed, names []string) ([]lock.Pin, error) {
	a.mu.Lock()
	a.all = append(a.all, asked{installed, names})
	a.mu.Unlock()
	return a.Archive.Resolve(ctx, s, seed, installed, names)
}

// of is how apt was asked for a layer whose pins are those of the names.
func (a *asking) of(t *testing.T, on []lock.Pin, names ...string) asked {
	t.Helper()
	i := slices.IndexFunc(a.all, func(q asked) bool {
		return slices.Equal(q.names, names) && slices.Equal(q.installed.Pins, on)
	})
	if i < 0 {
		t.Fatalf("apt was never asked for %q on %d packages", names, len(on))
	}
	return a.all[i]
}

// layered locks an app and returns what apt was asked for.
func (s *shop) layered(o Options) (*lock.Lock, *asking) {
	s.t.Helper()
	apt := &asking{Archive: s.l.Archive}
	s.l.Archive = apt
	l, _, err := s.l.Lock(s.t.Context(), s.app, o)
	flowtest.Must(s.t, err)
	return l, apt
}

// TestLayersStandOnEachOther: each layer is resolved on what lies below it and
// on nothing else, the disk's tools on the seed, and what is to stay is told
// each time.
func TestLayersStandOnEachOther(t *testing.T) {
	s := newShop(t)
	s.file("Dockerfile", "FROM base\n")
	s.app.Base.Dockerfile, s.app.Building = "Dockerfile", []string{"gcc"}
	l, apt := s.layered(Options{Keep: map[string]string{"openssl": "0.9"}})
	p := l.Packages
	build := append(templates.Lines(buildTable), "gcc")
	machine := append(templates.Lines("machine/packages.txt"), "linux-image-cloud-amd64")
	for _, q := range []asked{
		apt.of(t, nil, namesOf(p.Base)...),
		apt.of(t, p.Base, "openssl"),
		apt.of(t, slices.Concat(p.Base, p.App), build...),
		apt.of(t, p.Seed, templates.Lines("machine/tools.txt")...),
		apt.of(t, p.Base, machine...),
		apt.of(t, slices.Concat(p.Base, p.Machine), "openssl"),
		apt.of(t, slices.Concat(p.Base, p.Machine, p.MachineApp), build...),
	} {
		if q.installed.Keep["openssl"] != "0.9" || q.installed.Status != nil {
			t.Errorf("%q: apt was told of %+v", q.names, q.installed)
		}
	}
	if len(apt.all) != 7 || len(p.Seed) != 1 || p.App[0].Version != "0.9" || p.MachineApp[0].Version != "0.9" || !slices.Equal(namesOf(p.Build), build) || !slices.Equal(namesOf(p.MachineBuild), build) {
		t.Errorf("apt was asked %d times, and the lock has %+v", len(apt.all), p)
	}
}

// TestImageIsInstalledAlready: on a base image its packages are installed, the
// distribution's essential ones are not added, and the disk's tools know of
// neither.
func TestImageIsInstalledAlready(t *testing.T) {
	s := newShop(t)
	s.app.Base = app.Base{Image: "debian@" + digests.Of(nil)}
	l, apt := s.layered(Options{})
	if len(l.Packages.Base) > 0 || len(apt.all) != 6 {
		t.Errorf("the base is %q, and apt was asked %d times", namesOf(l.Packages.Base), len(apt.all))
	}
	for _, q := range apt.all {
		tools := slices.Equal(q.names, templates.Lines("machine/tools.txt"))
		if (string(q.installed.Status) == s.base["status"]) == tools {
			t.Errorf("%q: apt was told of the status %q", q.names, q.installed.Status)
		}
	}
	for name, pins := range map[string][]lock.Pin{"the build": l.Packages.Build, "the disk's build": l.Packages.MachineBuild} {
		if len(pins) > 0 {
			t.Errorf("without a Dockerfile %s has %q", name, namesOf(pins))
		}
	}
}

// TestPackagesOfADisk: a disk has a kernel, the app's choice where it has one,
// and what its administrator needs only where there is one.
func TestPackagesOfADisk(t *testing.T) {
	admin := templates.Lines("machine/admin-packages.txt")
	for name, tt := range map[string]struct {
		vm     app.VM
		has    []string
		hasNot []string
	}{
		"nothing said":     {app.VM{}, []string{"linux-image-cloud-amd64"}, admin},
		"another kernel":   {app.VM{Kernel: "linux-image-amd64"}, []string{"linux-image-amd64"}, []string{"linux-image-cloud-amd64"}},
		"its own packages": {app.VM{Packages: []string{"mdadm"}}, []string{"mdadm", "linux-image-cloud-amd64"}, admin},
		"an administrator": {app.VM{Admin: &app.Admin{}}, admin, nil},
	} {
		s := newShop(t)
		s.app.VM = tt.vm
		l, _ := s.layered(Options{})
		names := namesOf(l.Packages.Machine)
		for _, want := range slices.Concat(tt.has, templates.Lines("machine/packages.txt")) {
			if !slices.Contains(names, want) {
				t.Errorf("%s: the disk lacks %s", name, want)
			}
		}
		for _, not := range tt.hasNot {
			if slices.Contains(names, not) {
				t.Errorf("%s: the disk has %s", name, not)
			}
		}
	}
}

// TestIndexIsHeldAgainstTheOldLock: the archive is told of the indexes that the
// old lock is of, and whether it may go back.
func TestIndexIsHeldAgainstTheOldLock(t *testing.T) {
	s := newShop(t)
	if _, apt := s.layered(Options{}); len(apt.since.Archives) > 0 || apt.since.Rollback {
		t.Errorf("without a lock: %+v", apt.since)
	}
	old := s.locked()
	if _, apt := s.layered(Options{Rollback: true}); len(old.Archives) == 0 || !slices.Equal(apt.since.Archives, old.Archives) || !apt.since.Rollback {
		t.Errorf("with one: %+v, want %+v", apt.since, old.Archives)
	}
}

// TestResolverSaysWhoAsks: apt's no names the app file, and what it is about.
func TestResolverSaysWhoAsks(t *testing.T) {
	s := newShop(t)
	s.Fails = "resolver"
	_, _, err := s.l.Lock(t.Context(), s.app, Options{})
	if err == nil || !strings.Contains(err.Error(), "resolver: out of order") || len(s.Asked) != 2 {
		t.Errorf("ended with %v, after %q", err, s.Asked)
	}
}

func namesOf(pins []lock.Pin) (names []string) {
	for _, p := range pins {
		names = append(names, p.Name)
	}
	return names
}
