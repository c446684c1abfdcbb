package fleet_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/fleet"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/scan"
)

// yard is a fleet on an archive of its own, with a clock that the test sets.
type yard struct {
	t       *testing.T
	archive *archivetest.Archive
	dir     string
	now     time.Time
	// findings are what the database knows, by name and version.
	findings map[string][]scan.Finding
	// images are what references name; others are out of reach.
	images map[string]string
	policy update.Policy
}

func newYard(t *testing.T) *yard {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	return &yard{
		t: t, archive: archivetest.New(t), dir: dir, now: archivetest.Released().Add(24 * time.Hour),
		findings: map[string][]scan.Finding{}, images: map[string]string{}, policy: update.Policy{Triggers: []string{update.OnAny}},
	}
}

// reader is the real one but for what asks others: the scanner, registries.
type reader struct {
	look.Reader
	yard *yard
}

func (r reader) Advise(_ context.Context, lists []scan.Report) ([]scan.Report, error) {
	if r.yard.findings == nil {
		return nil, fault.New(fault.Network, "the database is out of reach")
	}
	for i, l := range lists {
		for _, p := range l.Packages {
			for _, f := range r.yard.findings[p.Source+" "+p.SourceVersion] {
				f.Package, f.Version = p.Name, p.Version
				lists[i].Findings = append(lists[i].Findings, f)
			}
		}
	}
	return lists, nil
}

func (r reader) Digest(_ context.Context, ref string) (string, error) {
	if digest, ok := r.yard.images[ref]; ok {
		return digest, nil
	}
	return "", fault.New(fault.Network, "the registry is out of reach")
}

// fleet is one as a new command constructs it.
func (y *yard) fleet() fleet.Fleet {
	clock := func() time.Time { return y.now }
	state, output, destination := filepath.Join(y.dir, "state"), filepath.Join(y.dir, "dist"), "registry.example/team"
	excluded := pin.Excluded{State: state, Output: output, Registry: destination}
	key, err := vouch.Open(state)
	if err != nil {
		y.t.Fatal(err)
	}
	folder := results.Folder{Path: output, Vouch: key}
	return fleet.Fleet{
		Baker:   bake.Baker{Locker: pin.Locker{Version: "1.0", Platform: "linux/amd64", Excluded: excluded}, State: state, Folder: folder},
		Reader:  reader{look.Reader{Destination: destination}, y},
		Archive: y.archive.Client(filepath.Join(y.dir, "state", "archive"), clock), State: state, Folder: folder, Destination: destination,
		Version: "1.0", Policy: y.policy, UnknownLimit: 24 * time.Hour, Jobs: 2, Now: clock,
	}
}

// app writes an app file, with more in it, and its lock of the packages that
// the archive has.
func (y *yard) app(name, more string, packages ...archivetest.Package) app.App {
	y.t.Helper()
	dir := filepath.Join(y.dir, "apps", name)
	file := filepath.Join(dir, "app.yaml")
	base := "base: {debian: trixie}\n"
	if strings.Contains(more, "base:") {
		base = ""
	}
	text := "apiVersion: bakelite.dev/v1\nname: " + name + "\n" + base + "service: {command: [/bin/true], user: web}\n" + more
	if err := os.MkdirAll(dir, 0o755); err != nil {
		y.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		y.t.Fatal(err)
	}
	a, err := app.Load(file)
	if err != nil {
		y.t.Fatal(err)
	}
	y.lock(*a, packages...)
	return *a
}

func (y *yard) lock(a app.App, packages ...archivetest.Package) {
	y.t.Helper()
	l := &lock.Lock{APIVersion: lock.APIVersion, Kind: "Lock", App: a.Name, Bakelite: "1.0", Platform: "linux/amd64", Inputs: pin.Inputs(a), Distribution: &lock.Distribution{Name: "debian", Release: "13"}}
	for _, suite := range [][2]string{{"debian", "trixie"}, {"debian", "trixie-updates"}, {"debian-security", "trixie-security"}} {
		l.Archives = append(l.Archives, lock.Archive{Name: suite[0], Suite: suite[1], InRelease: strings.Repeat("0", 64), Date: archivetest.Released()})
	}
	if a.Base.Image != "" {
		l.Base = &lock.Image{Ref: a.Base.Image, Digest: digest('1')}
	}
	for _, p := range packages {
		l.Packages.App = append(l.Packages.App, p.Pin("debian"))
	}
	if err := lock.Write(pin.Path(a), l); err != nil {
		y.t.Fatal(err)
	}
}

func digest(of byte) string { return "sha256:" + strings.Repeat(string(of), 64) }

func (y *yard) outdated(o fleet.Options, apps ...app.App) []fleet.Standing {
	y.t.Helper()
	all, err := y.fleet().Outdated(y.t.Context(), apps, o)
	if err != nil {
		y.t.Fatal(err)
	}
	return all
}

func pkg(name, version string) archivetest.Package {
	return archivetest.Package{Name: name, Version: version}
}

func words(changes []update.Change) string {
	var all []string
	for _, c := range changes {
		all = append(all, fmt.Sprintf("%s %s>%s %s %v", c.Name, c.From, c.To, c.Origin, c.In))
	}
	return strings.Join(all, "; ")
}
