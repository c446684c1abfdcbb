package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/fleet"
)

func outdatedCommand() *cobra.Command {
	var o fleet.Options
	var all, asJSON, asMatrix bool
	c := &cobra.Command{
		Use:   "outdated [APP...]",
		Short: "Say what changed beneath apps since they were locked",
		Long: `Compares each app's lock with the archives' signed indexes, the base images, the
app's own files, Bakelite itself and the database of vulnerabilities, and says
what an update would bring and what the app's policy makes of it. Nothing is
built, unpacked or changed.

What could not be read makes an app unknown, never current, with the time since
when: the exit code is 8, and after the setting update.unknown-after that of
the cause, 4 or 7.`,
		Example: "  bakelite outdated web\n  bakelite outdated --all --json\n  bakelite outdated --all --github-matrix >> \"$GITHUB_OUTPUT\"",
		RunE: func(c *cobra.Command, paths []string) error {
			s, err := load(c)
			if err != nil {
				return err
			}
			apps, err := appsOf(s, paths, all)
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
			stand, err := flt.Outdated(ctx, apps, o)
			_ = flt.Told(h.end(ctx)) // else it is told once more
			if err != nil {
				return err
			}
			if err := printStandings(os.Stdout, stand, asJSON, asMatrix); err != nil {
				return err
			}
			return judged(stand)
		},
	}
	allFlag(c, &all)
	c.Flags().BoolVar(&o.Published, "published", false, "compare the locks of what is published, as the policy's signers attested them")
	c.Flags().BoolVar(&o.WithoutAdvisories, "without-advisories", false, "ask for no known vulnerabilities")
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON on stdout")
	c.Flags().BoolVar(&asMatrix, "github-matrix", false, "print the apps to rebuild as a job matrix of GitHub Actions: matrix={...}")
	c.MarkFlagsMutuallyExclusive("json", "github-matrix")
	return c
}

// judged is the error of apps that cannot be judged, or are unknown.
func judged(stand []fleet.Standing) error {
	var failed []error
	var unknown []string
	for _, s := range stand {
		switch {
		case s.Err != nil:
			failed = append(failed, fmt.Errorf("%s: %w", s.App.Name, s.Err))
		case s.Decision.Action == update.Failing:
			kind := fault.Network
			for _, u := range s.Unknown {
				if u.Broken {
					kind = fault.Integrity
				}
			}
			failed = append(failed, fault.New(kind, "%s has been unknown for too long: %s", s.App.Name, strings.Join(s.Decision.Reasons, "; ")))
		case s.Decision.Action == update.DontKnow:
			unknown = append(unknown, s.App.Name)
		}
	}
	if len(unknown) > 0 {
		err := fault.New(fault.Unknown, "nobody knows whether these apps are current: %s", strings.Join(unknown, ", "))
		failed = append(failed, fault.Hint(err, "look what could not be read, and try again"))
	}
	return errors.Join(failed...)
}

func printStandings(w io.Writer, stand []fleet.Standing, asJSON, asMatrix bool) error {
	switch {
	case asMatrix:
		return printMatrix(w, stand)
	case asJSON:
		return printJSON(w, standings(stand))
	}
	for _, s := range stand {
		if err := printStanding(w, s); err != nil {
			return err
		}
	}
	return nil
}
