package examine

import (
	"slices"

	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

// LockedOf is what a lock put into an artifact of a kind, for the gate.
// Trimmed are the packages that may have been taken out. It is nil for a lock
// of an older version, which does not say enough.
func LockedOf(l lock.Lock, kind string, trimmed []string) *gate.Locked {
	if l.Distribution == nil {
		return nil
	}
	locked := &gate.Locked{Distribution: scan.OS{Family: l.Distribution.Name, Name: l.Distribution.Release}, Trimmed: trimmed}
	for _, p := range l.Holds(kind) {
		locked.Packages = append(locked.Packages, scan.Package{
			Name: p.Name, Version: p.Version, Arch: p.Arch, Source: p.Source, SourceVersion: p.SourceVersion,
		})
	}
	return locked
}

// Trimmed are the names of a lock's packages that may have been taken out of
// an artifact of an app, sorted.
func Trimmed(a app.App, l lock.Lock, kind string) []string {
	names := []string{}
	taken := rootfs.Trimmed(a, kind)
	for _, p := range l.Holds(kind) {
		if slices.Contains(taken, p.Name) {
			names = append(names, p.Name)
		}
	}
	return slices.Compact(names)
}
