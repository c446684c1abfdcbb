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
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines"
)

// work is what a command does for one app; what it prints on out comes to
// stdout in one piece, when it is done.
type work func(k pipelines.Kitchen, a app.App, out io.Writer) error

// eachApp loads every app before anything is done for the first, so that a
// mistake in the last one costs no time. As many as the settings say are
// worked on at once, in one kitchen. An app that fails does not keep the
// others from their turn; the errors of all come together.
func eachApp(ctx context.Context, s *settings.Settings, paths []string, do work) error {
	apps, err := loadApps(paths)
	if err != nil {
		return err
	}
	k, err := compose.New(version, s)
	if err != nil {
		return err
	}
	display := displays(s, len(apps))
	failed := make([]error, len(apps))
	var stdout sync.Mutex
	var group errgroup.Group
	group.SetLimit(atOnce(s, len(apps)))
	for i, a := range apps {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				failed[i] = fmt.Errorf("%s was not begun: %w", a.Name, err)
				return nil
			}
			var out bytes.Buffer
			err := display(k, a, &out, do)
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

// displays returns what works on an app with a display of its own. Where
// several share stderr their lines begin with the app's name, and none draws
// on the terminal.
func displays(s *settings.Settings, apps int) func(pipelines.Kitchen, app.App, io.Writer, work) error {
	var stderr sync.Mutex
	mode := progressMode(s)
	alone := atOnce(s, apps) == 1
	if !alone && mode == "tty" {
		mode = "plain"
	}
	return func(k pipelines.Kitchen, a app.App, out io.Writer, do work) (err error) {
		var to io.Writer = os.Stderr
		switch {
		case alone:
		case mode == "rawjson":
			to = &locked{to: os.Stderr, by: &stderr}
		default:
			named := &lines.Writer{Say: func(line string) {
				stderr.Lock()
				defer stderr.Unlock()
				fmt.Fprintf(os.Stderr, "%s | %s\n", a.Name, line)
			}}
			defer named.Flush()
			to = named
		}
		if k.Progress, err = progress.New(to, mode); err != nil {
			return err
		}
		defer k.Progress.Close()
		return do(k, a, out)
	}
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
	var apps []app.App
	var failed []error
	named := map[string]string{}
	for _, path := range paths {
		a, err := app.Load(path)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if other, ok := named[a.Name]; ok {
			err := fault.New(fault.Invalid, "%s and %s are both named %s, and what one makes would replace what the other made", other, a.Path, a.Name)
			failed = append(failed, fault.Hint(err, "give one another name, or bake each with an --output of its own"))
		}
		named[a.Name] = a.Path
		apps = append(apps, app.WithDefaults(*a))
	}
	return apps, errors.Join(failed...)
}
