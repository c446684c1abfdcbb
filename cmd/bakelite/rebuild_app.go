package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/fleet"
	"github.com/bakelite/bakelite/pipelines/release"
	"github.com/bakelite/bakelite/pipelines/results"
)

// display works on an app with a display of its own.
type display func(ctx context.Context, f compose.Flows, a app.App, out io.Writer, do work) error

// rebuild rebuilds one app and prints what came of it.
func (s *shift) rebuild(ctx context.Context, a app.App, o bake.RebuildOptions) (built *results.Built, err error) {
	err = s.one(ctx, a, func(ctx context.Context, f compose.Flows, a app.App, out io.Writer) error {
		if built, err = line(f).Rebuild(ctx, a, o, s.publishing()); err != nil {
			return err
		}
		if !s.flags.asJSON {
			printChanges(out, a.Name, built.Changes)
		}
		return printResult(out, built, s.judgedBy(f), s.flags.asJSON)
	})
	return built, err
}

// publishing is how what was built is published, nil where it is not.
func (s *shift) publishing() *release.Options {
	if !s.flags.publishing {
		return nil
	}
	return &s.flags.publish
}

// judgedBy is the policy that decided what is published, nil where nothing is.
func (s *shift) judgedBy(f compose.Flows) *policyInForce {
	if !s.flags.publishing {
		return nil
	}
	by := inForce(f.Publisher.Policy)
	return &by
}

// one works on one app; what it prints comes to stdout in one piece.
func (s *shift) one(ctx context.Context, a app.App, do work) error {
	var out bytes.Buffer
	err := s.show(ctx, s.flows, a, &out, do)
	s.stdout.Lock()
	defer s.stdout.Unlock()
	if _, werr := os.Stdout.Write(out.Bytes()); err == nil {
		err = werr
	}
	return err
}

// leave prints the apps that the plan leaves as they are; where something is
// published, they are judged by the policy and database of today.
func (s *shift) leave(ctx context.Context, p update.Plan, exactly bool) []error {
	var failed []error
	for _, left := range p.Others {
		settled := left.Action == update.Current || left.Action == update.Pass || left.Action == update.Wait
		if !settled || exactly {
			continue
		}
		a := s.apps[slices.IndexFunc(s.apps, func(a app.App) bool { return a.Name == left.App })]
		err := s.one(ctx, a, func(ctx context.Context, f compose.Flows, a app.App, out io.Writer) error {
			return s.leaveOne(ctx, f, a, left, out)
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", a.Name, err))
		}
	}
	return failed
}

func (s *shift) leaveOne(ctx context.Context, f compose.Flows, a app.App, left update.Left, out io.Writer) error {
	if left.Action != update.Current && !s.flags.asJSON {
		_, err := fmt.Fprintf(out, "%s: %s\n", a.Name, leftWords(left))
		return err
	}
	o := s.flags.build
	o.Frozen = true
	built, err := s.build(ctx, f, a, o)
	if err != nil {
		return err
	}
	return printResult(out, built, s.judgedBy(f), s.flags.asJSON)
}

// report says in one table what became of every app, where there are several
// or one failed.
func (s *shift) report(outcomes []fleet.Outcome) {
	failed := slices.ContainsFunc(outcomes, func(o fleet.Outcome) bool { return o.State == fleet.Failed || o.State == fleet.Skipped })
	if len(outcomes) < 2 && !failed {
		return
	}
	table := tabwriter.NewWriter(os.Stderr, 0, 4, 2, ' ', 0)
	for _, o := range outcomes {
		words, _, _ := strings.Cut(o.Why, "\n")
		if o.Before {
			words = "by a run that was ended, at " + o.At.Format("2006-01-02 15:04 UTC")
		}
		fmt.Fprintf(table, "%s\t%s\t%.1f s\t%s\n", o.App, o.State, o.Seconds, words)
	}
	_ = table.Flush() // the terminal is gone, and so is who would read it
}

// build builds an app, and publishes it where that is asked for.
func (s *shift) build(ctx context.Context, f compose.Flows, a app.App, o bake.Options) (*results.Built, error) {
	if s.flags.publishing {
		return line(f).Publish(ctx, a, o, s.flags.publish)
	}
	return f.Baker.Build(ctx, a, o)
}
