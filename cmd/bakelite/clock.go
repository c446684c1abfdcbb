package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/fleet"
)

// clockFlags are those of clock.
type clockFlags struct {
	since       time.Duration
	all, asJSON bool
	waiting     bool
}

// hours is how long fixes took to reach an app's images; docs/json.md
// describes it.
type hours struct {
	App      string          `json:"app"`
	Spans    []update.Took   `json:"spans"`
	Breaches []update.Breach `json:"breaches"`
}

func clockCommand() *cobra.Command {
	var f clockFlags
	c := &cobra.Command{
		Use:   "clock [APP...]",
		Short: "Say how long fixes took to reach published images",
		Long: `Reads what rebuilds with --publish noted beside the receipts: for each fix when
the archive had it, when it was seen, built, judged and published. It says, by
kind of image and severity, how many hours passed from the archive to the name.
Where the policy sets patches.maxHours, fixes that took longer are named, and
the exit code is 6. With --waiting those count too that no image has yet.`,
		Example: "  bakelite clock --all --since 720h\n  bakelite clock --waiting web",
		RunE: func(c *cobra.Command, paths []string) error {
			s, err := load(c)
			if err != nil {
				return err
			}
			apps, err := appsOf(s, paths, f.all)
			if err != nil {
				return err
			}
			flows, ctx, end, err := newFlows(c, s)
			if err != nil {
				return err
			}
			defer end()
			return f.run(ctx, s, flows, apps)
		},
	}
	allFlag(c, &f.all)
	c.Flags().DurationVar(&f.since, "since", 0, "count what was published within this time; 0 is ever")
	c.Flags().BoolVar(&f.waiting, "waiting", false, "look for fixes that wait, as outdated does")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print the result as JSON on stdout")
	return c
}

func (f clockFlags) run(ctx context.Context, s *settings.Settings, flows compose.Flows, apps []app.App) error {
	now := time.Now().UTC()
	open, unsure, err := f.waitingChanges(ctx, flows, s, apps)
	if err != nil {
		return err
	}
	all := []hours{}
	var late []string
	for _, a := range apps {
		c, err := fleetOf(flows, s).Clock(a.Name)
		if err != nil {
			return err
		}
		if f.since > 0 {
			c = c.From(now.Add(-f.since))
		}
		h := hours{App: a.Name, Spans: c.Spans(), Breaches: []update.Breach{}}
		h.Breaches = append(h.Breaches, update.Service(flows.Publisher.Policy.Patches.MaxHours).Breaches(c, open[a.Name], now)...)
		for _, b := range h.Breaches {
			late = append(late, lateWords(b))
		}
		all = append(all, h)
	}
	if err := printHours(os.Stdout, all, f.asJSON); err != nil {
		return err
	}
	if len(late) > 0 {
		return fault.Hint(fault.New(fault.Policy, "%d fixes were later than %s allows:\n  %s", len(late), cmp.Or(flows.Publisher.Policy.Path, "the policy"), strings.Join(late, "\n  ")),
			"rebuild and publish what waits, and do so more often")
	}
	return unsure
}

// waitingChanges are the changes that wait, by app, where they are asked for.
// Apps about which nobody knows come back as an error for the end.
func (f clockFlags) waitingChanges(ctx context.Context, flows compose.Flows, s *settings.Settings, apps []app.App) (open map[string][]update.Change, unsure, err error) {
	if !f.waiting {
		return nil, nil, nil
	}
	stand, err := fleetOf(flows, s).Outdated(ctx, apps, fleet.Options{})
	if err != nil {
		return nil, nil, err
	}
	open = map[string][]update.Change{}
	for _, one := range stand {
		open[one.App.Name] = append(open[one.App.Name], one.Changes...)
	}
	return open, judged(stand), nil
}

func lateWords(b update.Breach) string {
	verb := "took"
	if b.Open {
		verb = "has waited"
	}
	return fmt.Sprintf("%s: %s %s (%s) %s %.1f h; %d h are allowed", b.App, b.Package, b.To, b.Severity, verb, b.Hours, b.Limit)
}

func printHours(w io.Writer, all []hours, asJSON bool) error {
	if asJSON {
		return printJSON(w, all)
	}
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, h := range all {
		if len(h.Spans) == 0 {
			fmt.Fprintf(table, "%s\tno fix was published\n", h.App)
		}
		for _, s := range h.Spans {
			fmt.Fprintf(table, "%s\t%s\t%s\t%d fixes\tmedian %.1f h\tworst %.1f h\n", h.App, s.Kind, cmp.Or(s.Severity, "no advisory"), s.Fixes, s.Median, s.Worst)
		}
	}
	return table.Flush()
}
