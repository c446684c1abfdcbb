package examine

import (
	"fmt"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/scan"
)

// TestLockedOf takes from a lock what the gate compares with: what is in the
// artifact, with its source, and what Bakelite's own lists took out of it.
func TestLockedOf(t *testing.T) {
	l := lock.Lock{Distribution: &lock.Distribution{Name: "debian", Release: "13"}, Packages: lock.Layers{
		Base:       []lock.Pin{{Name: "bash", Version: "5", Arch: "amd64"}, {Name: "libc6", Version: "2", Arch: "amd64", Source: "glibc"}},
		App:        []lock.Pin{{Name: "nginx", Version: "1", Arch: "amd64"}},
		Machine:    []lock.Pin{{Name: "dracut", Version: "1", Arch: "all"}},
		MachineApp: []lock.Pin{{Name: "nginx", Version: "1", Arch: "amd64"}},
	}}
	names := func(packages []scan.Package) (all []string) {
		for _, p := range packages {
			all = append(all, p.Name+"/"+p.Source+"/"+p.SourceVersion)
		}
		return all
	}
	for _, tt := range []struct {
		kind             string
		app              app.App
		packages, absent string
	}{
		{artifact.Container, app.App{}, "[bash/bash/5 libc6/glibc/2 nginx/nginx/1]", "[bash]"},
		{artifact.Container, app.App{Packages: []string{"bash"}}, "[bash/bash/5 libc6/glibc/2 nginx/nginx/1]", "[]"},
		{artifact.Container, app.App{Container: app.Container{Shell: true}}, "[bash/bash/5 libc6/glibc/2 nginx/nginx/1]", "[]"},
		{artifact.Disk, app.App{}, "[bash/bash/5 dracut/dracut/1 libc6/glibc/2 nginx/nginx/1]", "[dracut]"},
	} {
		got := LockedOf(l, tt.kind, Trimmed(tt.app, l, tt.kind))
		if got.Distribution != (scan.OS{Family: "debian", Name: "13"}) || fmt.Sprint(names(got.Packages)) != tt.packages || fmt.Sprint(got.Trimmed) != tt.absent {
			t.Errorf("%s of %+v: %+v", tt.kind, tt.app, got)
		}
	}
	l.Distribution = nil
	if got := LockedOf(l, artifact.Container, nil); got != nil {
		t.Errorf("an old lock says %+v", got)
	}
}
