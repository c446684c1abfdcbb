package app

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
)

func (a *App) openDockerfile() (*os.File, error) {
	root, err := os.OpenRoot(a.Dir)
	if err != nil {
		return nil, fault.New(fault.Missing, "opening the app's folder: %w", err)
	}
	defer root.Close()
	file, err := regular.OpenIn(root, filepath.FromSlash(a.Base.Dockerfile))
	if err != nil {
		return nil, fault.New(fault.Invalid, "reading the Dockerfile: %w", explain(a.Base.Dockerfile, err))
	}
	return file, nil
}

// fill takes what the app file leaves out, and returns the problems without
// those of keys that are there by it. A Dockerfile that cannot be read gives
// nothing: CheckFiles and BuildKit say what is wrong with it. One with more than
// is read is a problem, since BuildKit would build it.
func (a *App) fill(fill Fill, problems Problems) Problems {
	file, err := a.openDockerfile()
	if err != nil {
		return problems
	}
	defer file.Close()
	said, err := dockerfile.Read(file, a.Base.Dockerfile, "")
	if errors.As(err, new(*dockerfile.Excess)) {
		return append(problems, Problem{File: a.Path, Key: "base.dockerfile", Message: err.Error()})
	}
	if err != nil {
		return problems
	}
	*a = fill(*a, said)
	given := map[string]bool{"service.command": len(a.Service.Command) > 0, "service.user": a.Service.User != ""}
	given["service"] = given["service.command"] && given["service.user"]
	return slices.DeleteFunc(problems, func(p Problem) bool { return p.Missing() && given[p.Key] })
}

// asked adds the packages that the app's Dockerfile asks apt for, so that they
// are resolved, pinned and judged as the app's own.
func (a *App) asked() error {
	if a.Base.Dockerfile == "" {
		return nil
	}
	file, err := a.openDockerfile()
	if err != nil {
		return err
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
