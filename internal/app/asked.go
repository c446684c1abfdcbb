package app

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
)

// asked adds the packages that the app's Dockerfile asks apt for, so that they
// are resolved, pinned and judged as the app's own.
func (a *App) asked() error {
	if a.Base.Dockerfile == "" {
		return nil
	}
	root, err := os.OpenRoot(a.Dir)
	if err != nil {
		return fault.New(fault.Missing, "opening the app's folder: %w", err)
	}
	defer root.Close()
	file, err := regular.OpenIn(root, filepath.FromSlash(a.Base.Dockerfile))
	if err != nil {
		return fault.New(fault.Invalid, "reading the Dockerfile: %w", explain(a.Base.Dockerfile, err))
	}
	defer file.Close()
	packages, err := dockerfile.Asked(file, a.Base.Dockerfile, dockerfile.Names(a.Base.Debian))
	if err != nil {
		return fault.As(fault.Invalid, err)
	}
	for _, name := range packages.Image {
		if !slices.Contains(a.Packages, name) {
			a.Packages = append(slices.Clip(a.Packages), name)
		}
	}
	a.Building = slices.DeleteFunc(packages.Build, func(name string) bool { return slices.Contains(a.Packages, name) })
	return nil
}
