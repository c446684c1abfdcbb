package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/builders/daemon"
	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/cmd/internal/doctor"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/distro/debian/fetch"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/child"
)

func doctorCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check whether this machine can bake, and say how to mend it",
		Long: `Checks what Bakelite needs of this machine, by trying it where that is possible,
and prints the command that mends what is wrong. The exit code is 3 where
something is missing that Bakelite cannot do without.`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := load(c)
			if err != nil {
				return err
			}
			results := doctor.Examine(c.Context(), examination(s))
			if err := c.Context().Err(); err != nil {
				return err
			}
			if err := printChecks(c.OutOrStdout(), results, asJSON); err != nil {
				return err
			}
			return judgeChecks(results)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the checks as JSON on stdout")
	return c
}

func examination(s *settings.Settings) doctor.Options {
	mirrors := fetch.MachineMirrors(os.DirFS("/"))
	maps.Copy(mirrors, s.Mirrors)
	return doctor.Options{
		State: s.State, Arch: runtime.GOARCH, UID: os.Geteuid(), Mirrors: mirrors, Root: os.DirFS("/"), Now: time.Now,
		Scanner: func(ctx context.Context) (string, error) { return child.Scanner{}.About(ctx) },
		Engine:  func(ctx context.Context) (string, error) { return tryEngine(ctx, s) },
	}
}

// tryEngine opens the engine that a build would use. An own one is started on
// a folder of its own and stopped again, so that a check leaves nothing
// behind and disturbs no build.
func tryEngine(ctx context.Context, s *settings.Settings) (string, error) {
	folder, err := privateFolder(s.State, "doctor-engine-")
	if err != nil {
		return "", err
	}
	defer folder.Close()
	o := engineOptions(s)
	o.State = folder.Path
	e, err := engine.Open(ctx, o)
	if err != nil {
		return "", err
	}
	origin := e.Origin
	if err := e.Close(); err != nil {
		return "", fmt.Errorf("leaving engine: %w", err)
	}
	stopped, err := daemon.Stop(context.WithoutCancel(ctx), folder.Path)
	if stopped {
		origin = "an own one starts, answers and stops"
	}
	return origin, err
}

func printChecks(w io.Writer, results []doctor.Result, asJSON bool) error {
	if asJSON {
		return printJSON(w, results)
	}
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, r := range results {
		fmt.Fprintf(table, "%s\t%s\t%s\n", r.Level, r.Name, r.Found)
		if r.Level != doctor.OK {
			fmt.Fprintf(table, "\t\t  for: %s\n\t\t  mend: %s\n", r.For, r.Mend)
		}
	}
	return table.Flush()
}

func judgeChecks(results []doctor.Result) error {
	missing := 0
	for _, r := range results {
		if r.Level == doctor.Missing {
			missing++
		}
	}
	if missing == 0 {
		return nil
	}
	return fault.Hint(fault.New(fault.Missing, "%d of %d checks found something missing", missing, len(results)),
		"run the commands after \"mend:\", then: bakelite doctor")
}
