package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/cmd/internal/lines"
	"github.com/bakelite/bakelite/cmd/internal/runlog"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/draft"
	"github.com/bakelite/bakelite/internal/fault"
)

// work is what a command does for one app; what it prints on out comes to
// stdout in one piece, when it is done.
type work func(ctx context.Context, f compose.Flows, a app.App, out io.Writer) error

// round is what a command does for several apps.
type round struct {
	settings *settings.Settings
	paths    []string
	// logged keeps each app's log beside its results.
	logged bool
	do     work
}

// eachApp loads every app before anything is done for the first, so that a
// mistake in the last one costs no time. As many as the settings say are
// worked on at once, with one set of
// flows. An app that fails does not keep the
// others from their turn; the errors of all come together.
func (r round) eachApp(ctx context.Context) error {
	apps, err := loadApps(r.paths)
	if err != nil {
		return err
	}
	flows, err := compose.New(version, r.settings)
	if err != nil {
		return err
	}
	display := displays(r.settings, len(apps), r.logged)
	failed := make([]error, len(apps))
	var stdout sync.Mutex
	var group errgroup.Group
	group.SetLimit(atOnce(r.settings, len(apps)))
	for i, a := range apps {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				failed[i] = fmt.Errorf("%s was not begun: %w", a.Name, err)
				return nil
			}
			var out bytes.Buffer
			err := display(ctx, flows, a, &out, r.do)
			stdout.Lock()
			defer stdout.Unlock()
			if _, werr := os.Stdout.Write(out.Bytes()); err == nil {
				err = werr
			}
			if err != nil {
				failed[i] = fmt.Errorf("%s: %w", a.Name, err)
			}
			return nil
		})
	}
	_ = group.Wait() // failed has the errors
	return errors.Join(failed...)
}

func atOnce(s *settings.Settings, apps int) int {
	jobs := s.Jobs
	if jobs == 0 {
		jobs = runtime.NumCPU()
	}
	return max(1, min(jobs, apps))
}

// displays returns what works on an app with a display of its own, and keeps
// each app's log beside its results where that is asked for. Where several share
// stderr their lines begin with the app's name, and none draws on the terminal.
func displays(s *settings.Settings, apps int, logged bool) display {
	var stderr sync.Mutex
	mode := progressMode(s)
	alone := atOnce(s, apps) == 1
	if !alone && mode == progress.Terminal {
		mode = progress.Plain
	}
	return func(ctx context.Context, f compose.Flows, a app.App, out io.Writer, do work) error {
		shown := progress.Options{Screen: os.Stderr, Mode: mode}
		switch {
		case alone:
		case mode == progress.JSON:
			shown.Screen = &locked{to: os.Stderr, by: &stderr}
		default:
			named := &lines.Writer{Say: func(line string) {
				stderr.Lock()
				defer stderr.Unlock()
				fmt.Fprintf(os.Stderr, "%s | %s\n", a.Name, line)
			}}
			defer named.Flush()
			shown.Screen = named
		}
		log := runlog.New(s.Output, a.Name)
		if logged {
			shown.Log = log
		}
		err := showing(ctx, shown, func(ctx context.Context) error { return do(ctx, f, a, out) })
		if kept := log.Close(); kept && err != nil && mode != progress.JSON {
			fmt.Fprintf(shown.Screen, "%8s  %s\n", "log", log.Path())
		}
		return err
	}
}

func showing(ctx context.Context, o progress.Options, do func(ctx context.Context) error) error {
	display, err := progress.New(o)
	if err != nil {
		return err
	}
	defer display.Close()
	return do(progress.With(ctx, display))
}

// locked keeps the writes of several writers apart: each is whole lines.
type locked struct {
	to io.Writer
	by *sync.Mutex
}

func (l *locked) Write(text []byte) (int, error) {
	l.by.Lock()
	defer l.by.Unlock()
	return l.to.Write(text)
}

// loadApps loads the app files of all paths, by default that of the working
// folder, and tells of all their mistakes at once.
func loadApps(paths []string) ([]app.App, error) {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	loaded, wrong := make([]*app.App, len(paths)), make([]error, len(paths))
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for i, path := range paths {
		group.Go(func() error {
			loaded[i], wrong[i] = draft.Load(path)
			return nil
		})
	}
	_ = group.Wait() // wrong has the errors
	var apps []app.App
	var failed []error
	named := map[string]string{}
	for i, a := range loaded {
		if wrong[i] != nil {
			failed = append(failed, wrong[i])
			continue
		}
		if other, ok := named[a.Name]; ok {
			err := fault.New(fault.Invalid, "%s and %s are both named %s, and what one makes would replace what the other made", other, a.Path, a.Name)
			failed = append(failed, fault.Hint(err, "give one another name, or bake each with an --output of its own"))
		}
		named[a.Name] = a.Path
		apps = append(apps, *a)
	}
	return apps, errors.Join(failed...)
}
