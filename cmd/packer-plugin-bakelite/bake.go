package main

import (
	"context"
	"fmt"
	"os"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/builders/vm"
	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/cmd/internal/lines"
	"github.com/bakelite/bakelite/cmd/internal/runlog"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/draft"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/results"
)

// check reads the app file and the settings, so that packer validate says
// what is wrong with them.
func check(c vm.Config) error {
	if _, err := load(c); err != nil {
		return advised(err)
	}
	_, err := draft.Load(c.App)
	return advised(err)
}

// makeDisk runs the same flow as "bakelite build --target disk".
func makeDisk(ctx context.Context, c vm.Config, say func(string)) ([]artifact.Artifact, error) {
	ctx, stop := withParent(ctx, os.Getppid)
	defer stop()
	built, err := build(ctx, c, say)
	if err != nil {
		return nil, advised(err)
	}
	if !built.Rebuilt {
		say(built.App + " is up to date")
	}
	return built.Artifacts, nil
}

func build(ctx context.Context, c vm.Config, say func(string)) (*results.Built, error) {
	s, err := load(c)
	if err != nil {
		return nil, err
	}
	a, err := draft.Load(c.App)
	if err != nil {
		return nil, err
	}
	f, err := compose.New(version, s)
	if err != nil {
		return nil, err
	}
	said := &lines.Writer{Say: say}
	defer said.Flush()
	log := runlog.New(s.Output, a.Name)
	defer log.Close()
	display, err := progress.New(progress.Options{Screen: said, Mode: mode(s), Log: log})
	if err != nil {
		return nil, err
	}
	defer display.Close()
	return f.Baker.Build(progress.With(ctx, display), *a, bake.Options{
		Targets: []string{artifact.Disk}, Frozen: s.Frozen || c.Frozen, SkipTests: c.SkipTests,
	})
}

// mode is a line per step unless all was asked for.
func mode(s *settings.Settings) progress.Mode {
	if s.Progress == string(progress.Full) {
		return progress.Full
	}
	return progress.Plain
}

// load returns the settings in force; the template's go over the rest.
func load(c vm.Config) (*settings.Settings, error) {
	s, err := settings.Load(settings.Options{Environ: os.Environ()})
	if err != nil {
		return nil, err
	}
	if c.State != "" {
		s.State = c.State
	}
	if c.Output != "" {
		s.Output = c.Output
	}
	if c.SecureBootKey != "" {
		s.SecureBoot = settings.SecureBoot{Key: c.SecureBootKey, Certificate: c.SecureBootCertificate}
	}
	return s, nil
}

// advised puts the hint of an error into its text: Packer passes on nothing
// but the text.
func advised(err error) error {
	if hint := fault.HintOf(err); hint != "" {
		return fmt.Errorf("%w\n  next: %s", err, hint)
	}
	return err
}
