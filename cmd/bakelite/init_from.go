package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/bakelite/bakelite/cmd/internal/adopt"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
)

// draftFlags are those of init that draft from what is there.
type draftFlags struct{ from, service string }

// files are the app file that is drafted, and its folder; what was not taken is
// said on w.
func (f draftFlags) files(ctx context.Context, w io.Writer, name, dir string) (string, []newFile, error) {
	adopted, err := adopt.Order{
		From: f.from, Service: f.service, Dir: dir, Registry: registry.Options{},
		Name: func(dir, otherwise string) (string, error) { return draftName(name, otherwise, dir) },
	}.Adopt(ctx)
	if err != nil {
		return "", nil, err
	}
	for _, n := range adopted.Left {
		fmt.Fprintf(w, "left out: %s\n", n)
	}
	text, err := app.Marshal(adopted.App)
	if err != nil {
		return "", nil, err
	}
	head := fmt.Sprintf("# Drafted by bakelite init --from %s.\n", filepath.Base(f.from))
	return adopted.Dir, []newFile{{app.FileName, append([]byte(head), text...)}}, nil
}

// draftName is the name that was given, that of what is drafted from where it
// can be an app's, or the folder's.
func draftName(name, otherwise, dir string) (string, error) {
	if name == "" && otherwise != "app" && nameProblem(otherwise) == "" {
		return otherwise, nil
	}
	return appName(name, "app", dir)
}

// check refuses what does not go together.
func (f draftFlags) check(starter string) error {
	switch {
	case f.from == "" && f.service != "":
		return fault.New(fault.Invalid, "--service names a service of the compose.yaml that --from names")
	case f.from != "" && starter != "":
		return fault.New(fault.Invalid, "--starter and --from both say what to start from: leave one of them out")
	}
	return nil
}
