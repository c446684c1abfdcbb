package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/fleet"
	"github.com/bakelite/bakelite/pipelines/release"
)

// refuseFrozen is the error of a command that exists to change locks.
func refuseFrozen(c *cobra.Command) error {
	return fault.Hint(fault.New(fault.Invalid, "%s may change locks, which the setting frozen forbids", c.CommandPath()),
		"leave --frozen out, or run: bakelite build --frozen")
}

// rebuildFlags are those of rebuild.
type rebuildFlags struct {
	build       bake.Options
	publish     release.Options
	publishing  bool
	all, asJSON bool
	dryRun      bool
	target      string
	plan        string
	maxFailures int
}

func rebuildCommand() *cobra.Command {
	var f rebuildFlags
	c := &cobra.Command{
		Use:   "rebuild [APP...]",
		Short: "Take the archive's updates and bake what changed",
		Long: `Looks what changed beneath each app, as outdated does, and rebuilds those whose
policy takes it, and no others: locked anew, baked, tested, and published where
that is asked for. An app that stands on another's image comes after it. It
says which packages changed from what to what.

--dry-run prints the plan and stops; with --json it can be kept, and --plan
carries out exactly that, or says what of it no longer holds (exit code 9). An
app that fails stops no other. It keeps its lock and what is published of it.
A run that was ended is taken up where it stopped.`,
		Example: "  bakelite rebuild web\n  bakelite rebuild --all --publish --key bakelite.key\n  bakelite rebuild --all --dry-run --json > plan.json && bakelite rebuild --plan plan.json",
		RunE: func(c *cobra.Command, paths []string) (err error) {
			s, err := load(c)
			if err != nil {
				return err
			}
			if s.Frozen && !f.dryRun {
				return refuseFrozen(c)
			}
			if f.build.Targets, err = targetsOf(f.target); err != nil {
				return err
			}
			return f.run(c, s, paths)
		},
	}
	buildFlags(c, &f.build, &f.target, &f.asJSON)
	publishFlags(c, &f.publish)
	allFlag(c, &f.all)
	c.Flags().BoolVar(&f.publishing, "publish", false, "then scan, judge, sign and publish, as the command publish does")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "print the plan and do nothing")
	c.Flags().StringVar(&f.plan, "plan", "", "carry out exactly this plan, a file that --dry-run --json printed")
	c.Flags().IntVar(&f.maxFailures, "max-failures", 0, "begin no other app once so many have failed; 0 is any number")
	c.MarkFlagsMutuallyExclusive("plan", "all")
	c.MarkFlagsMutuallyExclusive("plan", "dry-run")
	return c
}

// run plans, and unless that is all, carries out.
func (f rebuildFlags) run(c *cobra.Command, s *settings.Settings, paths []string) error {
	var given *update.Plan
	if f.plan != "" {
		p, err := f.readPlan(paths)
		if err != nil {
			return err
		}
		given, paths = &p, filesOf(p)
	}
	if f.publishing && !f.dryRun {
		if err := errors.Join(f.publish.Check(), compose.CheckDestination(s), compose.CheckSigner(s)); err != nil {
			return err
		}
	}
	apps, err := appsOf(s, paths, f.all)
	if given != nil && fault.KindOf(err) == fault.Missing {
		return fault.Hint(fault.New(fault.Stale, "an app of the plan is gone: %w", err), "plan again")
	}
	if err != nil {
		return err
	}
	flows, ctx, end, err := newFlows(c, s)
	if err != nil {
		return err
	}
	defer end()
	h, err := startHerald(ctx, s)
	if err != nil {
		return err
	}
	flt := fleetOf(flows, s)
	flt.Tell = h.tell()
	defer func() { _ = flt.Told(h.end(ctx)) }() // else it is told once more
	order := fleet.Order{Options: f.build}
	if f.publishing {
		order.Publish = &f.publish
	}
	plan, unfit := flt.Plan(ctx, apps, order)
	if unfit != nil && len(plan.Apps)+len(plan.Others) == 0 {
		return unfit
	}
	if f.dryRun {
		return errors.Join(printPlan(os.Stdout, plan, f.asJSON), unfit, leftUnknown(plan))
	}
	run := fleet.Run{Order: order, MaxFailures: f.maxFailures, Exact: given != nil}
	shift := &shift{flags: f, settings: s, flows: flows, fleet: flt, apps: apps}
	shift.show = displays(s, len(plan.Apps), true)
	run.Do = shift.rebuild
	return errors.Join(shift.work(ctx, plan, given, run), unfit, leftUnknown(plan))
}

// shift is one run of rebuild.
type shift struct {
	flags    rebuildFlags
	settings *settings.Settings
	flows    compose.Flows
	fleet    fleet.Fleet
	apps     []app.App
	show     display
	stdout   sync.Mutex
}

// work carries out the plan that was given, or the one that was just made, and
// reports.
func (s *shift) work(ctx context.Context, now update.Plan, given *update.Plan, run fleet.Run) error {
	plan, err := s.fleet.Resume(&run, now, given)
	if err != nil {
		return err
	}
	outcomes, err := s.fleet.Rebuild(ctx, plan, s.apps, run)
	if err != nil {
		return err
	}
	failed := s.leave(ctx, now, given != nil)
	s.report(append(run.Before, outcomes...))
	for _, o := range outcomes {
		if o.Err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", o.App, o.Err))
		}
	}
	return errors.Join(failed...)
}
