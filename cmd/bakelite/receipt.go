package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/results"
)

// lastMade returns the artifact of a kind that the newest build of an app
// left in the output folder, in the first of the formats that there is.
func lastMade(output string, a app.App, kind string, formats []string) (artifact.Artifact, error) {
	again := "run: bakelite build --target " + kind + argument(nameOf(a))
	receipt, err := results.Folder{Path: output}.Receipt(a.Name)
	if err != nil {
		return artifact.Artifact{}, fault.Hint(err, "%s", again)
	}
	made := slices.DeleteFunc(receipt.Artifacts, func(m artifact.Artifact) bool { return m.Kind != kind })
	if len(made) == 0 {
		return artifact.Artifact{}, fault.Hint(fault.New(fault.Missing, "the newest build of %s made no %s", a.Name, kind), "%s", again)
	}
	slices.SortStableFunc(made, func(x, y artifact.Artifact) int {
		return slices.Index(formats, x.Format) - slices.Index(formats, y.Format)
	})
	made = slices.DeleteFunc(made, func(m artifact.Artifact) bool { return !slices.Contains(formats, m.Format) })
	if len(made) == 0 {
		return artifact.Artifact{}, wrongFormat(a, kind, formats)
	}
	if _, err := os.Stat(made[0].Path); err != nil {
		return artifact.Artifact{}, fault.Hint(fault.New(fault.Missing, "the %s of %s is gone: %w", kind, a.Name, err), "%s", again)
	}
	return made[0], nil
}

// nameOf is the shortest name of an app file.
func nameOf(a app.App) string {
	if filepath.Base(a.Path) == app.FileName {
		return a.Dir
	}
	return a.Path
}

func wrongFormat(a app.App, kind string, formats []string) error {
	key := "container.format"
	if kind == artifact.Disk {
		key = "vm.formats"
	}
	return fault.Hint(fault.New(fault.Missing, "the newest build of %s made no %s that runs here: that needs the format %s",
		a.Name, kind, strings.Join(formats, " or ")), "set %s in %s and build again", key, a.Path)
}

// oneApp loads the one app file that boot and run take.
func oneApp(paths []string) (app.App, error) {
	apps, err := loadApps(paths)
	if err != nil {
		return app.App{}, err
	}
	return apps[0], nil
}
