package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/pipelines/pin"
)

func lockCommand() *cobra.Command {
	var o pin.Options
	c := &cobra.Command{
		Use:   "lock [APP...]",
		Short: "Pin an app's packages to the archive as it is now",
		Long: `Resolves the app's packages with apt's own resolver against the verified
archive and writes the lock beside the app file. Keep it in version control.
An index of the archive that is older than the lock's, and packages that are
older than those in it, are refused.`,
		RunE: func(c *cobra.Command, paths []string) error {
			s, err := load(c)
			if err != nil {
				return err
			}
			if s.Frozen {
				return refuseFrozen(c)
			}
			lockOne := func(ctx context.Context, f compose.Flows, a app.App, out io.Writer) error {
				l, changes, err := f.Baker.Lock(ctx, a, o)
				if err != nil {
					return err
				}
				printChanges(out, a.Name, changes)
				fmt.Fprintf(out, "%s locked at %s\n", a.Name, l.Digest())
				return nil
			}
			return round{settings: s, paths: paths, do: lockOne}.eachApp(c.Context())
		},
	}
	rollbackFlag(c, &o.Rollback)
	return c
}

// rollbackFlag lets a lock go back, which leaves a trace in it.
func rollbackFlag(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "insecure-allow-rollback", false, "take an older state of the archive than the lock's; the lock says what went back")
}

func printChanges(w io.Writer, app string, changes []lock.Change) {
	for _, c := range changes {
		switch {
		case c.From == "":
			fmt.Fprintf(w, "%s: + %s %s\n", app, c.Package, c.To)
		case c.To == "":
			fmt.Fprintf(w, "%s: - %s %s\n", app, c.Package, c.From)
		default:
			note := ""
			if c.Downgrade {
				note = " (downgrade)"
			}
			fmt.Fprintf(w, "%s: %s %s -> %s%s\n", app, c.Package, c.From, c.To, note)
		}
	}
}
