package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/builders"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/pipelines"
)

// maxReceipt bounds a receipt, in bytes.
const maxReceipt = 4 << 20

// lastMade returns the artifact of a kind that the newest build of an app
// left in the output folder, in the first of the formats that there is.
func lastMade(output string, a app.App, kind string, formats []string) (builders.Artifact, error) {
	again := "run: bakelite build --target " + kind + argument(named(a))
	receipt, err := readReceipt(filepath.Join(output, a.Name+".receipt.json"))
	if err != nil {
		return builders.Artifact{}, fault.Hint(err, "%s", again)
	}
	made := slices.DeleteFunc(receipt.Artifacts, func(m builders.Artifact) bool { return m.Kind != kind })
	if len(made) == 0 {
		return builders.Artifact{}, fault.Hint(fault.New(fault.Missing, "the newest build of %s made no %s", a.Name, kind), "%s", again)
	}
	slices.SortStableFunc(made, func(x, y builders.Artifact) int {
		return slices.Index(formats, x.Format) - slices.Index(formats, y.Format)
	})
	made = slices.DeleteFunc(made, func(m builders.Artifact) bool { return !slices.Contains(formats, m.Format) })
	if len(made) == 0 {
		return builders.Artifact{}, wrongFormat(a, kind, formats)
	}
	// A receipt names paths as they were on the machine that built.
	made[0].Path = filepath.Join(output, filepath.Base(made[0].Path))
	if _, err := os.Stat(made[0].Path); err != nil {
		return builders.Artifact{}, fault.Hint(fault.New(fault.Missing, "the %s of %s is gone: %w", kind, a.Name, err), "%s", again)
	}
	return made[0], nil
}

// named is the shortest name of an app file.
func named(a app.App) string {
	if filepath.Base(a.Path) == app.FileName {
		return a.Dir
	}
	return a.Path
}

func wrongFormat(a app.App, kind string, formats []string) error {
	key := "container.format"
	if kind == builders.Disk {
		key = "vm.formats"
	}
	return fault.Hint(fault.New(fault.Missing, "the newest build of %s made no %s that runs here: that needs the format %s",
		a.Name, kind, strings.Join(formats, " or ")), "set %s in %s and build again", key, a.Path)
}

func readReceipt(path string) (*pipelines.Receipt, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Missing, "nothing was built yet: there is no %s", path)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "reading receipt: %w", err)
	}
	defer f.Close()
	data, err := limit.ReadAll(f, maxReceipt, path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "reading receipt: %w", err)
	}
	var r pipelines.Receipt
	if err := json.Unmarshal(data, &r); err != nil || r.Kind != "Receipt" || r.APIVersion != app.APIVersion {
		return nil, fault.New(fault.Invalid, "%s is not a receipt of this version of Bakelite", path)
	}
	return &r, nil
}

// oneApp loads the one app file that boot and run take.
func oneApp(paths []string) (app.App, error) {
	apps, err := loadApps(paths)
	if err != nil {
		return app.App{}, err
	}
	return apps[0], nil
}
