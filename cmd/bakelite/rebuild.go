package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines"
)

// refuseFrozen is the error of a command that exists to change locks.
func refuseFrozen(c *cobra.Command) error {
	return fault.Hint(fault.New(fault.Invalid, "%s may change locks, which the setting frozen forbids", c.CommandPath()),
		"leave --frozen out, or run: bakelite build --frozen")
}

func rebuildCommand() *cobra.Command {
	var o pipelines.BuildOptions
	var p pipelines.PublishOptions
	var asJSON, publish bool
	var target string
	c := &cobra.Command{
		Use:   "rebuild [APP...]",
		Short: "Take the archive's updates and bake what changed",
		Long: `Locks each app against the archive as it is now, says which packages changed
from what to what, and bakes only where something did.`,
		RunE: func(c *cobra.Command, paths []string) error {
			var err error
			if o.Targets, err = targetsOf(target); err != nil {
				return err
			}
			var checked *pipelines.PublishOptions
			if publish {
				checked = &p
			}
			return bakeAll(c, paths, asJSON, checked, func(k pipelines.Kitchen, a app.App, out io.Writer, s *settings.Settings) (*pipelines.Built, error) {
				if s.Frozen {
					return nil, refuseFrozen(c)
				}
				built, err := k.Rebuild(c.Context(), a, o)
				if err != nil {
					return nil, err
				}
				if !asJSON {
					printChanges(out, a.Name, built.Changes)
				}
				if publish {
					err = k.Publish(c.Context(), a, built, p)
				}
				return built, err
			})
		},
	}
	buildFlags(c, &o, &target, &asJSON)
	publishFlags(c, &p)
	c.Flags().BoolVar(&publish, "publish", false, "then scan, judge, sign and publish, as the command publish does")
	return c
}
