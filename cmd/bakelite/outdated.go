package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/fleet"
)

func outdatedCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "outdated [APP...]",
		Short: "Say what changed beneath apps since they were locked",
		Long: `Compares each app's lock with the archives, base images and database of
vulnerabilities as they are now. Nothing is built, unpacked or changed.`,
		RunE: func(c *cobra.Command, paths []string) error {
			s, err := load(c)
			if err != nil {
				return err
			}
			apps, err := loadApps(paths)
			if err != nil {
				return err
			}
			k, err := compose.New(version, s)
			if err != nil {
				return err
			}
			f := fleet.Fleet{Kitchen: k, Archive: k.Archive, Now: time.Now}
			all, err := f.Outdated(c.Context(), apps)
			if err != nil {
				return err
			}
			for _, one := range all {
				if err := printStanding(os.Stdout, one); err != nil {
					return err
				}
			}
			return nil
		},
	}
	return c
}

func printStanding(w io.Writer, s fleet.Standing) error {
	fmt.Fprintf(w, "%s: %d changes\n", s.App.Name, len(s.Changes))
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, c := range s.Changes {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", c.Name, fromTo(c), c.Suite, c.Origin, strings.Join(c.In, ", "))
	}
	for _, u := range s.Unknown {
		fmt.Fprintf(table, "  ? %s\t%s\n", u.What, u.Why)
	}
	for _, u := range s.Undecided {
		fmt.Fprintf(table, "  resolver: %s\n", u)
	}
	return table.Flush()
}

func fromTo(c update.Change) string {
	switch {
	case c.From == "":
		return "+ " + c.To
	case c.To == "":
		return c.From + " gone"
	}
	return c.From + " -> " + c.To
}
