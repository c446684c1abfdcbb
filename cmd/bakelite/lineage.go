package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/pipelines/channels"
)

func lineageCommand() *cobra.Command {
	var by signerFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "lineage REF",
		Short: "Say what an image came from and what stands on it",
		Long: `Shows the base, the lock and the source that a published image was made from, as
signers of the policy stated them; which channels lead or led to it, with what
came before and after; whether it was revoked; and which apps of this folder
stand on it.`,
		Args: checked(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return withChannels(c, by, func(ctx context.Context, _ *settings.Settings, flow channels.Flow, apps []app.App) error {
				l, err := flow.Lineage(ctx, args[0], apps)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(os.Stdout, l)
				}
				return printLineage(os.Stdout, l)
			})
		},
	}
	by.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

func printLineage(w io.Writer, l channels.Lineage) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(table, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("name", "%s", l.Name)
	for _, reason := range l.Refused {
		row("REFUSED", "%s", reason)
	}
	row("app", "%s %s %s", orNone(l.App), l.Kind, l.Version)
	row("lock", "%s", orNone(l.Lock))
	if l.Base != nil {
		row("stands on", "%s@%s", l.Base.Ref, l.Base.Digest)
	}
	for _, a := range l.Archives {
		row("archive", "%s %s of %s", a.Name, a.Suite, a.Date.Format("2006-01-02 15:04 MST"))
	}
	row("source", "%s", orNone(l.Source))
	for _, s := range l.Channels {
		switch {
		case s.Leads:
			row("channel", "%s leads to it, by record %d", s.Channel, s.Sequence)
		case len(s.Led) > 0:
			row("channel", "%s led to it, by record %d", s.Channel, s.Led[0])
		}
		if s.Before != "" {
			row("before it", "%s", s.Before)
		}
		if s.After != "" {
			row("after it", "%s", s.After)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return printChildren(w, l.Apps)
}
