package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines"
)

// verbose is the flag that stands for --progress full.
const verbose = "verbose"

// setVerbose puts --progress full where --verbose was given.
func setVerbose(c *cobra.Command) error {
	asked, err := c.Flags().GetBool(verbose)
	if err != nil || !asked {
		return err
	}
	if c.Flags().Changed("progress") {
		return fault.Hint(fault.New(fault.Invalid, "--verbose and --progress exclude each other"), "leave one of them out; --verbose is --progress full")
	}
	return c.Flags().Set("progress", string(progress.Full))
}

func load(c *cobra.Command) (*settings.Settings, error) {
	if err := setVerbose(c); err != nil {
		return nil, err
	}
	return settings.Load(settings.Options{Flags: c.Flags(), Environ: os.Environ()})
}

// loadNamed is load for commands that judge what others made: nothing counts
// of a bakelite.yaml that was merely found, and one that sets any of keys, by
// which the command judges, is refused.
func loadNamed(c *cobra.Command, keys ...string) (*settings.Settings, error) {
	if err := setVerbose(c); err != nil {
		return nil, err
	}
	s, err := settings.Load(settings.Options{Flags: c.Flags(), Environ: os.Environ(), Named: true})
	if err != nil {
		return nil, err
	}
	return s, s.RefuseFound(keys...)
}

func engineOptions(s *settings.Settings) engine.Options { return compose.EngineOptions(s) }

// newFlows constructs the flows, and a context whose steps are shown on stderr
// until end is called.
func newFlows(c *cobra.Command, s *settings.Settings) (f compose.Flows, ctx context.Context, end func(), err error) {
	if f, err = compose.New(version, s); err != nil {
		return f, nil, nil, err
	}
	display, err := progress.New(progress.Options{Screen: os.Stderr, Mode: progressMode(s)})
	if err != nil {
		return f, nil, nil, err
	}
	return f, progress.With(c.Context(), display), display.Close, nil
}

// line is the whole way of an app.
func line(f compose.Flows) pipelines.Line {
	return pipelines.Line{Baker: f.Baker, Publisher: f.Publisher}
}

func progressMode(s *settings.Settings) progress.Mode {
	switch {
	case s.Progress != "auto":
		return progress.Mode(s.Progress)
	case term.IsTerminal(int(os.Stderr.Fd())):
		return progress.Terminal
	}
	return progress.Plain
}
